"""What a goal wants to know: up or down, a number, the volatility, or a look at the data."""

from dataclasses import dataclass

from engine.goals.ranking import asks_what_matters
from engine.goals.sentence import Sentence
from engine.goals.spec import Target, Task


@dataclass(frozen=True)
class Asked:
    """Task and target with the words they rest on; `assumed` when only a horizon or a model was said."""

    task: Task | None = None
    target: Target | None = None
    focus: str | None = None
    words: str = ""
    assumed: bool = False


def read_task(sentence: Sentence, *, horizon: bool, models: int, follows: bool) -> Asked:
    """Weigh the words for a forecast against those for a look at the past.

    `horizon`: a length ahead is known; `models`: how many were named; `follows`: the goal answers another one.
    """
    pair = sentence.has("direction") or _both_ways(sentence)
    predicted = sentence.has("predict", "willmove", "next", "trade") or models > 0
    focus = _focus(sentence, models)
    if sentence.has("noforecast") or _is_forecast_declined(sentence):
        return Asked("eda", None, _look(sentence), _said(sentence, "noforecast", "predict"))
    if sentence.has("classify") and not sentence.has("regress"):
        target: Target = "volatility" if sentence.has("volatility") and not pair else "direction"
        return Asked("classification", target, focus, _said(sentence, "classify"))
    if sentence.has("regress"):
        target = "volatility" if sentence.has("volatility") else "return"
        return Asked("regression", target, focus, _said(sentence, "regress"))
    if _is_look(sentence, horizon=horizon, pair=pair, predicted=predicted, follows=follows):
        return Asked(
            "eda",
            None,
            _look(sentence),
            _said(sentence, "focus", "by", "seasonality", "look", "was", "volatility"),
        )
    if sentence.has("volatility") and not _both_ways(sentence):
        return Asked("regression", "volatility", focus, _said(sentence, "volatility"))
    amount = sentence.has("howmuch", "whatprice")
    if amount and not sentence.has("direction"):
        return Asked("regression", "return", focus, _said(sentence, "howmuch", "whatprice"))
    if pair:
        return Asked("classification", "direction", focus, _said(sentence, "direction", "up", "down"))
    if sentence.has("return"):
        return Asked("regression", "return", focus, _said(sentence, "return"))
    if sentence.has("up", "down"):
        return Asked("classification", "direction", focus, _said(sentence, "up", "down"))
    if sentence.has("price") and sentence.has("predict", "willmove") and not sentence.has("alldata"):
        return Asked("regression", "return", focus, _said(sentence, "price"))
    if follows:
        return Asked(focus=focus)
    if horizon or models or sentence.has("trade") or focus:
        return Asked("classification", "direction", focus, assumed=True)
    return Asked()


def _is_forecast_declined(sentence: Sentence) -> bool:
    """Whether every word for a forecast stands right behind a `no` or `without`."""
    asked = sentence.find("predict")
    return bool(asked) and all(
        sentence.beside(at, -1).has("not", "nothing") or sentence.beside(at, -2).has("nothing")
        for at in asked
    )


def _both_ways(sentence: Sentence) -> bool:
    return sentence.has("up") and sentence.has("down")


def _is_look(sentence: Sentence, *, horizon: bool, pair: bool, predicted: bool, follows: bool) -> bool:
    weighed = asks_what_matters(sentence)
    if weighed and (pair or horizon or sentence.has("up", "down", "return", "predict")):
        return False
    aimed = horizon and not follows
    told = sentence.has("predict", "willmove") or sentence.has("next")
    if sentence.has("focus", "by", "seasonality"):
        return not (aimed and (pair or sentence.has("predict")) and told)
    if sentence.has("look"):
        return not (
            pair
            or predicted
            and aimed
            or sentence.has("predict")
            or sentence.has("up", "down")
            and aimed
            or (follows and horizon and sentence.has("return", "volatility"))
        )
    if sentence.has("superlative") and sentence.has("was") and not told:
        return True
    if follows and not sentence.has("howmuch"):
        return False  # "what if fees were 0.2 %" changes the goal before
    if sentence.has("was") and not aimed and not sentence.has("predict", "willmove", "next"):
        return not pair or sentence.has("howmuch")
    return sentence.has("volatility") and not (horizon or predicted or follows or weighed)


def _focus(sentence: Sentence, models: int) -> str | None:
    """`compare_models`, `compare_coins`, `importance`, `importance:MACD`, or None."""
    indicators = [sentence.terms[at].tags["indicator"] for at in sentence.find("indicator")]
    if asks_what_matters(sentence):
        named = list(dict.fromkeys(indicators))
        return ":".join(["importance", *named[:1]]) if named and len(named) == 1 else "importance"
    if not sentence.has("compare"):
        return None
    if models > 1 or sentence.has("modelword") and len(sentence.find("coin")) < 2:
        return "compare_models"
    coins = {sentence.terms[at].tags["coin"] for at in sentence.find("coin")}
    if len(coins) > 1 or sentence.has("allcoins", "coinword"):
        return "compare_coins"
    return None


def _look(sentence: Sentence) -> str:
    """What a look at the data is about, such as `volatility_by_hour` or `drawdown`."""
    named = next((sentence.terms[at].tags["focus"] for at in sentence.find("focus")), "")
    by = next((sentence.terms[at].tags["by"] for at in sentence.find("by")), "")
    if named in ("drawdown", "correlation", "autocorrelation", "gaps", "extremes") or (named and not by):
        return named
    if sentence.has("superlative") and not by:
        return "drawdown" if sentence.has("down") else "extremes"
    what = (
        "volume"
        if named == "volume"
        else "return"
        if sentence.has("return", "up", "down") and not sentence.has("volatility")
        else "volatility"
    )
    if by:
        return f"{what}_by_{by}"
    if sentence.has("seasonality"):
        return f"{what}_by_hour"
    if sentence.has("volatility"):
        return "volatility"
    return "overview"


def _said(sentence: Sentence, *concepts: str) -> str:
    """The first words for one of the concepts, in the order the concepts are given."""
    for concept in concepts:
        positions = sentence.find(concept)
        if positions:
            at = positions[0]
            if (
                concept in ("up", "down")
                and sentence.beside(at, 1).has("or")
                and sentence.beside(at, 2).has("up", "down")
            ):
                return sentence.words(at, at + 2)
            return sentence.terms[at].text
    return ""
