"""The role of one length of time, told by the words around it."""

from engine.goals.amounts import Length
from engine.goals.lexicon import Term
from engine.goals.sentence import Sentence

LONG = 7 * 1_440  # minutes: a length said "over" or "for" that is not shorter speaks of the history
TARGETS = ("direction", "up", "down", "return", "volatility", "predict")


def role_of(sentence: Sentence, at: int, length: Length) -> str:
    """Return horizon, interval, period, step, none, or loose where the words do not tell."""
    follower = sentence.next_after(at)
    beside = sentence.beside(at, 1)
    if beside.text == "-":
        beside = follower = sentence.beside(at, 2)
    history = length.as_history()
    long = history.days >= 1 and (history.minutes >= 2_880 or bool(history.months))
    led = leads(sentence, at)
    if is_feature(sentence, at):
        return "none"
    if beside.has("lastpost", "datapost"):
        return "period"
    if beside.has("nextpost"):
        return "horizon"
    if beside.has("ahead") and is_ahead(sentence, at + 1):
        return "none" if says(led, "last") and not says(led, "next") else "horizon"
    if says(led, "interval") and not says(led, "next"):
        return "interval"
    if beside.has("candle", "interval") or (follower.has("candle") and beside is follower) or length.code:
        if beside.has("bars") and beside.text.lower() in ("periods", "steps") and not length.code:
            return "interval"
        if beside.has("data") and long and not beside.has("interval"):
            return "period" if says(led, "last", "period") or length.minutes >= 2 * 10_080 else "interval"
        return "interval"
    if _is_made_of_candles(sentence, at, history):
        return "period"
    if _is_size_of_candles(sentence, at):
        return "interval"
    if says(led, "next"):
        return "horizon"
    if beside.has("horizon"):
        return "horizon"
    if says(led, "horizon"):
        return "horizon"
    if says(led, "last"):
        return "period" if history.days >= 1 or length.letter or sentence.has("look") else "none"
    if says(led, "older", "since"):
        return "period"
    if beside.has("ago") or follower.has("ago") and follower.text.lower() in ("back", "ago"):
        if follower.text.lower() in ("back", "old") or says(led, "from", "go"):
            return "period"
        return "none"
    if says(led, "infuture") and not beside.has("data") and not follower.has("data"):
        return "horizon"
    if beside.has("period") and says(led, "in", "next") and history.days < 1:
        return "horizon"  # "over a 45 minute window"
    if beside.has("data", "period") and not beside.has("with") or follower.has("data"):
        if long or length.letter and history.months:
            if (
                beside.has("data")
                and beside.text.lower() in ("data", "prices", "quotes")
                and length.letter
                and length.minutes in (1, 5, 15, 30)
            ):
                return "interval"
            return "period"
        return "interval" if length.minutes <= 1_440 and beside.has("data") else "period"
    if says(led, "every"):
        return "step"
    if says(led, "in", "within"):
        if says(led, "infuture") or not long or history.minutes < LONG and not sentence.has("data"):
            return "horizon"
        return "period"
    if beside.has(*TARGETS) and not long:
        return "horizon"
    if says(led, "period", "data"):
        return "period" if long or length.letter and history.months else "loose"
    return "loose"


def _is_size_of_candles(sentence: Sentence, at: int) -> bool:
    """`candles of 15 minutes`: nothing but a preposition between the two."""
    for position in range(at - 1, max(at - 4, -1), -1):
        term = sentence.terms[position]
        if term.has("candle") and not term.has("data"):
            return not sentence.beside(position, -1).has("length")
        if not (term.has("skip", "in", "to", "from") and term.number is None) or term.has("infuture"):
            return False
    return False


def _is_made_of_candles(sentence: Sentence, at: int, history: Length) -> bool:
    """`2m of 15m data`: a history, said in candles."""
    joint, size, noun = (sentence.beside(at, step) for step in (1, 2, 3))
    return (
        history.days >= 1 and joint.has("skip") and size.has("length") and noun.has("data", "candle", "bars")
    )


def leads(sentence: Sentence, at: int) -> list[Term]:
    """The words that lead a length in: `over the next`, `horizon of`, `last`."""
    found: list[Term] = []
    for lead in sentence.before(at, reach=4):
        if lead.has("length", "coin", "model", "when", "up", "down") or lead.text in (",", "/"):
            break
        found.append(lead)
        if lead.has("next", "last", "in", "horizon", "interval", "since", "older", "every", "period"):
            if lead.has("in") and len(found) == 1:
                continue
            break
    return found


def says(led: list[Term], *concepts: str) -> bool:
    """Whether one of the leading words may mean one of the concepts."""
    return any(t.has(*concepts) for t in led)


def is_ahead(sentence: Sentence, at: int) -> bool:
    """`on` and `out` mean ahead only where no object follows: `six hours on` but not `4h on btc`."""
    term = sentence.terms[at] if at < len(sentence.terms) else Term("", {})
    if term.text == "-":
        return True
    if term.text.lower() not in ("on", "away", "beyond"):
        return True
    raw = sentence.beside(at, 1)
    if raw.has(
        "coin",
        "length",
        "data",
        "candle",
        "unknown",
        "a",
        "number",
        "model",
        "leak",
        "quote",
        "all",
        "this",
        "when",
        "range",
    ):
        return False
    return raw.text.lower() not in (
        "the",
        "my",
        "our",
        "top",
        "your",
        "which",
        "these",
        "those",
        "both",
        "it",
        "them",
    )


def is_feature(sentence: Sentence, at: int) -> bool:
    """Whether the words belong to a look-ahead request, which says nothing about the horizon."""
    return "leaked" in sentence.terms[at].tags
