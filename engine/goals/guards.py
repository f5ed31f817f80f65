"""What a goal must not do: look ahead, reach for secrets or other people's work, or ask for something else entirely."""

from engine.goals.sentence import Sentence


def mark_leaks(sentence: Sentence) -> str | None:
    """The words of a look-ahead request, or None; its terms are marked so that they say nothing else."""
    for at, term in enumerate(sentence.terms):
        if term.has("futurevalue") or _is_next_value(sentence, at):
            end = _used_as_feature(sentence, at)
            if end is not None:
                _mark(sentence, at, end)
                return sentence.words(at, end)
        if term.has("testset") and not _is_denied(sentence, at):
            start = _chosen_by(sentence, at)
            if start is not None:
                _mark(sentence, start, at)
                return sentence.words(start, at)
        if term.has("pricefield", "price"):
            end = _field_ahead(sentence, at)
            if end is not None:
                _mark(sentence, at, end)
                return sentence.words(at, end)
        if term.has("mix") and not _is_denied(sentence, at):
            end = _what_is_mixed(sentence, at)
            if end is not None:
                _mark(sentence, at, end)
                return sentence.words(at, end)
        if term.has("scaling") and not _is_denied(sentence, at):
            end = _scaled_by_all(sentence, at)
            if end is not None:
                _mark(sentence, min(at, end), max(at, end))
                return sentence.words(min(at, end), max(at, end))
        if term.has("leak") and not _is_denied(sentence, at):
            kind = term.tags["leak"]
            if kind == "lookahead" and sentence.beside(at, 1).has("length", "horizon"):
                term.tags = {"horizon": ""}
                continue
            if kind == "kfold" and (sentence.has("walkforward") or not sentence.has("leak")):
                continue
            _mark(sentence, at, at)
            return term.text
    return None


def _what_is_mixed(sentence: Sentence, at: int) -> int | None:
    """Where `mix the candles` ends, or None."""
    for position in range(at + 1, min(at + 5, len(sentence.terms))):
        if sentence.terms[position].has("data", "candle", "bars", "rows"):
            return position
    return None


def _chosen_by(sentence: Sentence, at: int) -> int | None:
    """The start of `choose the model by its score on the test set`, or None."""
    for position in range(at - 1, max(at - 10, -1), -1):
        term = sentence.terms[position]
        if term.has("chosen"):
            return None if sentence.beside(position, -1).has("not") else position
        if term.text in ".;!?":
            return None
    return None


def _scaled_by_all(sentence: Sentence, at: int) -> int | None:
    """Where `normalise ... with the whole sample` ends, or begins, or None."""
    for position in (*range(at + 1, min(at + 10, len(sentence.terms))), *range(at - 1, max(at - 4, -1), -1)):
        term = sentence.terms[position]
        if term.has("wholesample", "alldata"):
            return position
        if term.text in ".;!?" or term.text.lower() == "train":
            return None
    return None


def _field_ahead(sentence: Sentence, at: int) -> int | None:
    """The end of `the high of the coming two hours` or `the close two hours later` where it feeds the model."""
    position = at + 1
    while sentence.beside(position, 0).has("skip", "pricefield", "infuture") and position - at < 6:
        if sentence.beside(position, 0).has("next"):
            break
        position += 1
    lead, behind = sentence.beside(position, 0), sentence.beside(position, 1)
    if lead.has("next") and position > at + 1 and behind.has("unit", "length", "bars", "candle"):
        end = position + 1
    elif lead.has("tomorrow") and position > at + 1:
        end = position
    elif lead.has("length") and (behind.has("ahead") or sentence.beside(position, -1).has("infuture")):
        end = position + 1 if behind.has("ahead") else position
    else:
        return None
    if any(term.has("feature") for term in sentence.terms[end + 1 : end + 6]):
        return end
    for before in reversed(sentence.terms[max(at - 12, 0) : at]):
        if before.has("predict", "willmove") or before.text in ".;!?":
            return None
        if before.has("feature") or (before.has("with") and lead.has("next", "tomorrow")):
            return end
    return None


def _mark(sentence: Sentence, start: int, end: int) -> None:
    for position in range(start, end + 1):
        sentence.terms[position].tags = {**sentence.terms[position].tags, "leaked": ""}


def _is_denied(sentence: Sentence, at: int) -> bool:
    return any(t.has("not", "walkforward") for t in list(sentence.before(at, reach=4))[:2])


def _is_next_value(sentence: Sentence, at: int) -> bool:
    """`the next candle's close`, `tomorrow's open`, `the following hour's volume`."""
    term = sentence.terms[at]
    if term.has("tomorrow"):
        return sentence.beside(at, 1).has("possessive", "pricefield")
    if not term.has("next"):
        return False
    what = sentence.beside(at, 1)
    if sentence.beside(at, 2).has("length", "unit") and what.text == "-":
        what = sentence.beside(at, 2)
    return what.has("unit", "candle", "bars", "length") and any(
        sentence.beside(at, step).has("possessive", "pricefield") for step in (2, 3, 4)
    )


def _used_as_feature(sentence: Sentence, at: int) -> int | None:
    """The end of the look-ahead phrase when its value is fed to the model, else None."""
    fields = [p for p in range(at, min(at + 6, len(sentence.terms))) if sentence.terms[p].has("pricefield")]
    if not fields:
        return None
    end = fields[-1]
    leads = list(sentence.before(at, reach=5))[:3]
    if any(t.has("predict", "willmove", "compare", "importance", "not") for t in leads[:2]):
        return None
    for position in range(end, min(end + 7, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("feature"):
            return position
        if term.text in ".;!?":
            break
    fed = any(
        t.has("with", "add", "feature", "knowing") and t.text.lower() not in ("on", "through") for t in leads
    )
    told = sentence.terms[at].has("futurevalue") or any(
        sentence.beside(at, step).has("possessive") for step in (1, 2, 3, 4)
    )
    return end if fed and told else None


def is_hostile(sentence: Sentence) -> str | None:
    """Why the goal must be refused (`secrets`, `others`, `commands`, `orders`), or None."""
    research = sentence.has("coin", "direction", "volatility", "return") and sentence.has(
        "length", "unit", "up", "down"
    )
    if sentence.has("injection"):
        return "commands"
    if sentence.has("secret") and (sentence.has("injection") or not research or _is_told(sentence, "secret")):
        return "secrets"
    if sentence.has("others") and (not research or _is_told(sentence, "others")):
        return "others"
    if sentence.has("command") and (not research or _is_told(sentence, "command", strong=True)):
        return "commands"
    if sentence.has("order"):
        return "orders"
    return None


def _is_told(sentence: Sentence, concept: str, *, strong: bool = False) -> bool:
    """Whether an order stands with the word: show, list, print, send, cancel, run."""
    for at in sentence.find(concept):
        if strong and len(sentence.terms[at].text) > 5:
            return True
        if any(t.text.lower() in _ORDERS for t in sentence.terms[max(at - 8, 0) : at + 5]):
            return True
    return False


_ORDERS = frozenset(
    [
        "show",
        "list",
        "print",
        "send",
        "give",
        "reveal",
        "dump",
        "tell",
        "cancel",
        "stop",
        "delete",
        "read",
        "open",
        "share",
        "display",
        "expose",
        "output",
        "leak",
        "post",
        "email",
        "echo",
        "cat",
        "run",
        "execute",
        "use",
        "access",
        "fetch",
        "get",
        "include",
        "attach",
        "what",
        "download",
        "upload",
        "copy",
        "export",
        "see",
        "forward",
    ]
)


def is_small_talk(sentence: Sentence) -> str | None:
    """`thanks` or `hello` when the goal is nothing more than that."""
    meaningful = [
        t for t in sentence.terms if not t.has("mark", "unknown") and set(t.tags) - {"skip", "possessive"}
    ]
    strong = [
        t
        for t in meaningful
        if not t.has("thanks", "hello", "yes", "up", "errand", "same", "look", "was", "in", "compare")
    ]
    if strong or not meaningful:
        return None
    if any(t.has("thanks") for t in meaningful):
        return "thanks"
    return "hello" if any(t.has("hello") for t in meaningful) else None
