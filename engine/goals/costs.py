"""Trading costs as stated, in basis points per side."""

from dataclasses import dataclass

from engine.goals.sentence import Sentence


@dataclass(frozen=True)
class Costs:
    """`bps` per side, or a `factor` on the costs of the goal before; several values when they contradict."""

    bps: tuple[float, ...] = ()
    factor: float | None = None
    words: str = ""


def read_costs(sentence: Sentence) -> Costs:
    """Read fees, commission and slippage; nothing stated gives neither a value nor a factor."""
    rates = [at for at in sentence.find("rate") if _is_cost(sentence, at)]
    if rates:
        values = []
        for at in rates:
            value = sentence.terms[at].number or 0.0
            values.append(round(value / 2 if _is_round_trip(sentence, at) else value, 6))
        words = sentence.words(
            rates[0] - 1 if sentence.beside(rates[0], -1).has("cost") else rates[0], rates[0]
        )
        free = _free(sentence)
        if free is not None and 0.0 not in values and not sentence.terms[free].has("slippage"):
            values.append(0.0)
            return Costs(tuple(dict.fromkeys(values)), words=words)
        if len(values) > 1 and _are_parts(sentence, rates):
            return Costs((sum(values),), words=sentence.words(rates[0], rates[-1]))
        return Costs(tuple(dict.fromkeys(values)), words=words)
    zero = _free(sentence)
    if zero is not None:
        return Costs((0.0,), words=sentence.words(zero - 1, zero + (sentence.beside(zero, 1).number == 0)))
    for at in sentence.find("cost"):
        near = [*sentence.before(at, reach=4)][:3]
        around = [*near, sentence.next_after(at), sentence.beside(at, -1), sentence.beside(at, -2)]
        for concept, factor in (("halve", 0.5), ("andhalf", 0.5), ("double", 2.0), ("triple", 3.0)):
            if any(t.has(concept) for t in around):
                return Costs(factor=factor, words=sentence.words(at - 2, at))
    return Costs()


def _free(sentence: Sentence) -> int | None:
    """The position of a word for costs that is said to be zero: `no fees`, `costs 0`, `gratis`."""
    for at in sentence.find("cost", "free"):
        near = [*sentence.before(at, reach=4)]
        denied = any(t.has("not") or t.number == 0 for t in near[:2])
        behind = (sentence.next_after(at), sentence.beside(at, 1), sentence.beside(at, 2))
        if (
            sentence.terms[at].has("free")
            or denied
            or sentence.beside(at, 1).has("notpost")
            or any(t.number == 0 and not t.has("rate") for t in behind)
        ):
            return at
    return None


def _is_cost(sentence: Sentence, at: int) -> bool:
    """Basis points are always costs here; a percentage is when a word for costs stands near."""
    if sentence.terms[at].text.rstrip().endswith(("bps", "bp", "points", "point", "bips")):
        return True
    window = range(max(at - 7, 0), min(at + 6, len(sentence.terms)))
    return any(sentence.terms[p].has("cost", "perside", "roundtrip") for p in window)


def _is_round_trip(sentence: Sentence, at: int) -> bool:
    for position in range(at + 1, min(at + 6, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("perside"):
            return False
        if term.has("roundtrip"):
            return True
        if term.has("rate") or term.text in ";.":
            break
    for position in range(at - 1, max(at - 6, -1), -1):
        term = sentence.terms[position]
        if term.has("perside"):
            return False
        if term.has("roundtrip"):
            return True
        if term.has("rate") or term.text in ";.,":
            break
    return False


def _are_parts(sentence: Sentence, rates: list[int]) -> bool:
    """`10 bps fee plus 2 bps slippage`: two costs that come together."""
    between = sentence.terms[rates[0] : rates[-1] + 3]
    named = sum(t.has("cost") for t in sentence.terms[max(rates[0] - 3, 0) : rates[-1] + 3])
    return named >= 2 and any(t.has("and", "add") or t.text in "+," for t in between)
