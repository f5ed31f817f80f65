"""What a goal must not do: reach for secrets or other people's work, or ask for something else entirely."""

from engine.goals.sentence import Sentence, is_filling


def is_hostile(sentence: Sentence) -> str | None:
    """Why the goal must be refused (`secrets`, `others`, `commands`, `orders`), or None."""
    research = sentence.has("coin", "direction", "volatility", "return") and sentence.has(
        "length", "unit", "up", "down"
    )
    if sentence.has("injection"):
        return "commands"
    if sentence.has("secret") and (sentence.has("injection") or not research or _is_told(sentence, "secret")):
        return "secrets"
    if sentence.has("others") and (not research or _is_shown(sentence, "others")):
        return "others"
    if sentence.has("command") and (not research or _is_told(sentence, "command", strong=True)):
        return "commands"
    if any(not _is_pondered(sentence, at) for at in sentence.find("order")):
        return "orders"
    return None


def _is_pondered(sentence: Sentence, at: int) -> bool:
    """`do I sell my btc` is a question, not an order."""
    return sentence.beside(at, -1).has("pondering")


def _is_told(sentence: Sentence, concept: str, *, strong: bool = False) -> bool:
    """Whether an order stands with the word: show, list, print, delete, run."""
    for at in sentence.find(concept):
        if strong and len(sentence.terms[at].text) > 5:
            return True
        if any(t.has("demand") for t in sentence.terms[max(at - 8, 0) : at + 5]):
            return True
    return False


def _is_shown(sentence: Sentence, concept: str) -> bool:
    """Whether it is to be shown or deleted; to tell other people of a result is no harm."""
    return any(
        sentence.terms[lead].has("reveal")
        for at in sentence.find(concept)
        for lead in range(max(at - 8, sentence.clause(at).start), at)
    )


def is_small_talk(sentence: Sentence) -> str | None:
    """`thanks` or `hello` when the goal is nothing more than that."""
    meaningful = [
        t
        for t in sentence.terms
        if not t.has("mark", "unknown") and not is_filling(t) and not t.has("possessive")
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
