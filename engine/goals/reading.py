"""Reading a goal from the first character to the outcome: clean, parse, take in, complete."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from engine.goals import answering, guards, refusals
from engine.goals.completing import complete
from engine.goals.draft import Draft
from engine.goals.outcome import Ask, Coverage, Outcome, Refuse, Run
from engine.goals.ranking import asks_what_matters
from engine.goals.sentence import Sentence
from engine.goals.spec import Spec
from engine.goals.text import LONGEST_GOAL, clean

_MOST_COINS = 2_000
_REPEATED = re.compile(r"(.)\1{30,}", re.DOTALL)


def read(
    goal: str,
    *,
    now: datetime,
    coverage: Mapping[str, Coverage],
    after: Spec | None = None,
    after_question: Ask | None = None,
    preferences: Mapping[str, object] | None = None,
    answers: Sequence[tuple[str, str]] = (),
    defaults: Mapping[str, object] | None = None,
) -> Outcome:
    """Read a goal in plain words.

    `now` is the moment of asking, `coverage` what prices there are. `after` is the spec of the run this goal replies
    to, `after_question` the open question it may answer. `preferences` are options by their command-line names and
    win over the goal's words; `defaults` are the same for slots that neither says. `answers` are (slot, words) in the order in which questions were answered.
    Deterministic; never raises for any text.
    """
    if len(goal) > LONGEST_GOAL:
        return refusals.too_long(len(goal))
    text = _REPEATED.sub(lambda run: run[1] * 3, clean(goal))
    now = now.astimezone(UTC)
    coins = sorted(coverage)[:_MOST_COINS]
    if not coins:
        return refusals.no_prices()
    if not any(c.isalnum() for c in text):
        return refusals.empty(coins)
    if after_question is not None and after is None:
        after = after_question.draft
    whole = Sentence.parse(text, coins)
    hostile = guards.is_hostile(whole)
    if hostile is not None:
        return refusals.hostile(hostile)
    draft = Draft.following(after) if after is not None else Draft()
    if after_question is not None and answering.fits(after_question, text):
        answering.answer(draft, after_question, text, now, coins)
    else:
        small = guards.is_small_talk(whole)
        if small is not None and not answering.any_given(preferences or {}):
            return refusals.small_talk(small, coins, follows=after is not None)
        for number, sentence in enumerate(_corrections(whole)):
            draft.take(sentence, now, follows=after is not None or number > 0, corrects=number > 0)
    wrong = answering.unread(preferences or {}, now, coins)
    if wrong is not None:
        return refusals.unread(wrong, str((preferences or {})[wrong]))
    for option, value in (preferences or {}).items():
        answering.prefer(draft, option, value, now, coins)
    if _is_off_topic(whole, draft) and not answers:
        return refusals.off_topic(coins)
    for option, value in (defaults or {}).items():
        if not answering.is_said(draft, option):
            answering.prefer(draft, option, value, now, coins)
    outcome = complete(draft, now, coverage, whole)
    for about, words in answers:
        question = outcome if isinstance(outcome, Ask) and outcome.about == about else Ask(about, "")
        answering.answer(draft, question, clean(words), now, coins)
        outcome = complete(draft, now, coverage, whole)
    return outcome


def follow(
    reply: str,
    before: Outcome,
    *,
    now: datetime,
    coverage: Mapping[str, Coverage],
    preferences: Mapping[str, object] | None = None,
) -> Outcome:
    """Read a reply in a thread against what the thread came to before.

    After a Run, the reply changes what it names and keeps the rest; after an Ask, it may be the answer, or a new
    goal; after a Refuse it stands alone.
    """
    match before:
        case Run(spec=spec):
            return read(reply, now=now, coverage=coverage, after=spec, preferences=preferences)
        case Ask():
            return read(reply, now=now, coverage=coverage, after_question=before, preferences=preferences)
        case Refuse():
            return read(reply, now=now, coverage=coverage, preferences=preferences)


def _corrections(sentence: Sentence) -> Iterable[Sentence]:
    """The parts of a sentence that takes itself back: `1h - no wait, 4h`."""
    start = 0
    for at, term in enumerate(sentence.terms):
        if term.has("correct") and at > start:
            yield Sentence(sentence.terms[start:at], sentence.language)
            start = at + 1
    yield Sentence(sentence.terms[start:], sentence.language)


def _is_off_topic(sentence: Sentence, draft: Draft) -> bool:
    """Nothing of the goal belongs here, or an errand that merely names a coin."""
    told = sentence.has(
        "up",
        "down",
        "direction",
        "classify",
        "return",
        "regress",
        "volatility",
        "model",
        "indicator",
        "focus",
        "length",
    ) or bool(draft.horizons or draft.bars_ahead)
    if sentence.has("errand"):
        strong = sentence.has("direction", "volatility", "classify", "regress", "model", "focus") or (
            sentence.has("up", "down") and bool(draft.horizons)
        )
        return not (strong and (draft.coins or draft.all_coins)) and not (
            (draft.coins or draft.all_coins) and sentence.has("predict", "up", "down", "return", "length")
        )
    if draft.coins or draft.all_coins or draft.stated or draft.conflicts:
        return False
    return not (
        told
        or sentence.has(
            "predict", "look", "coinword", "trade", "data", "price", "compare", "importance", "coin"
        )
        or asks_what_matters(sentence)
    )
