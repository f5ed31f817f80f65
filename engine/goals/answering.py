"""Answers to a question and options beside a goal: both are read as a fragment about one slot."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.goals.draft import Draft
from engine.goals.outcome import Ask
from engine.goals.sentence import Sentence
from engine.goals.text import clean
from engine.speech import say

_LEADS = {
    "horizon": "horizon {}", "interval": "candle size {}", "period": "{}", "costs": "costs {}", "metric": "metric {}",
    "models": "only {}", "indicators": "indicators {}", "coins": "{}", "target": "{}", "task": "{}",
    "search": "search {}",
}  # fmt: skip
_SLOTS = {"coin": "coins", "model": "models", "fees": "costs", "cost": "costs"}
_TARGET_WORDS = {
    "up or down": ("classification", "direction"),
    "direction": ("classification", "direction"),
    "the return in percent": ("regression", "return"),
    "return": ("regression", "return"),
    "the volatility": ("regression", "volatility"),
    "volatility": ("regression", "volatility"),
    "a look at the data": ("eda", None),
    "eda": ("eda", None),
}


def fits(question: Ask, words: str) -> bool:
    """Whether a reply picks one of the choices, by number, by name, or by leaving it to us."""
    return _chosen(question, words) is not None


def answer(draft: Draft, question: Ask, words: str, now: datetime, coins: Sequence[str]) -> None:
    """Take in the answer to a question: a choice, or words of the person's own."""
    chosen = _chosen(question, words)
    _put(draft, question.about, chosen if chosen is not None else words, now, coins)


def prefer(draft: Draft, option: str, value: object, now: datetime, coins: Sequence[str]) -> None:
    """Take in an option given beside the goal; its names are those of the command line."""
    slot = _SLOTS.get(option, option)
    if value in (None, "", [], ()) or slot not in _LEADS:
        return
    if isinstance(value, list | tuple | set):
        words = ", ".join(map(str, value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        unit = {
            "horizon": "minutes",
            "interval": "minutes",
            "period": "days",
            "costs": "bps",
            "search": "seconds",
        }.get(slot, "")
        words = f"{value:g} {unit}"
    else:
        words = str(value)
    _put(draft, slot, clean(words[:500]), now, coins)


def any_given(preferences: Mapping[str, object]) -> bool:
    """Whether any option says something of a goal; its language or its budget does not."""
    return any(
        _SLOTS.get(option, option) in _LEADS and value not in (None, "", [], ())
        for option, value in preferences.items()
    )


def is_said(draft: Draft, option: str) -> bool:
    """Whether a goal, or an option beside it, says anything of what an option is about."""
    slot = _SLOTS.get(option, option)
    touched = {
        "coins": bool(draft.coins or draft.all_coins),
        "horizon": bool(draft.horizons or draft.bars_ahead or draft.vague_time),
        "period": draft.period is not None,
    }
    conflicting = any(conflict.about == slot for conflict in draft.conflicts)
    return slot in draft.stated or touched.get(slot, False) or conflicting


def unread(preferences: Mapping[str, object], now: datetime, coins: Sequence[str]) -> str | None:
    """The first option from which no length of time can be read, if there is one."""
    for option in ("horizon", "period"):
        if preferences.get(option) in (None, "", [], ()):
            continue
        draft = Draft()
        prefer(draft, option, preferences[option], now, coins)
        if option not in draft.stated and not draft.conflicts and not draft.vague_time:
            return option
    return None


def _chosen(question: Ask, words: str) -> str | None:
    sentence = Sentence.parse(words, ())
    plain = words.strip().strip(".!").casefold()
    for choice in question.choices:
        if plain in (choice.casefold(), say(choice).casefold()):
            return choice
    if not question.choices:
        return None
    terms = [term for term in sentence.terms if not term.has("mark")]
    if plain.strip("#.() ").isdigit() and question.about not in ("period",):
        number = int(plain.strip("#.() "))
        return question.choices[number - 1] if 1 <= number <= len(question.choices) else None
    said = [t for t in terms if t.has("ordinal") and not t.has("unit") or t.has("ordinal") and len(terms) < 4]
    if said and len(terms) <= 4 and not sentence.has("when", "length"):
        place = int(said[0].tags["ordinal"])
        if abs(place) <= len(question.choices):
            return question.choices[place - 1 if place > 0 else place]
    if terms and all(t.has("yes", "thanks", "skip") for t in terms) and sentence.has("yes"):
        return question.recommended or None
    return None


def _put(draft: Draft, slot: str, words: str, now: datetime, coins: Sequence[str]) -> None:
    if slot in ("target", "task") and words.strip().casefold() in _TARGET_WORDS:
        draft.task, draft.target = _TARGET_WORDS[words.strip().casefold()]  # type: ignore[assignment]
        draft.stated.add("target")
        draft.reasons["target"] = f"“{words}”"
        return
    if slot == "period" and draft.conflicts:
        draft.conflicts = [c for c in draft.conflicts if c.about != "period"]
    if slot == "coins":
        draft.coins, draft.all_coins = [], False
        draft.conflicts = [c for c in draft.conflicts if c.about != "coins"]
    if slot == "horizon":
        draft.horizons, draft.bars_ahead, draft.vague_time = [], [], ""
    if slot == "interval":
        draft.interval = None
    if slot == "period":
        draft.period = None
    if slot == "models":
        draft.models, draft.models_left_out = None, []
    words = f"last {words}" if slot == "period" and words[:1].isdigit() and not words[:4].isdigit() else words
    words = f"{words} minutes" if slot == "horizon" and words.strip().isdigit() else words
    words = f"{words} bps" if slot == "costs" and words.replace(".", "", 1).strip().isdigit() else words
    draft.take(Sentence.parse(_LEADS.get(slot, "{}").format(words), coins), now, follows=True)
