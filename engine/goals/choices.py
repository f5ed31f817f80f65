"""Lists people choose from - coins, models, indicators - with what they leave out, and what they close with `only`."""

from dataclasses import dataclass, field

from engine.goals.lexicon import Term
from engine.goals.sentence import Sentence, is_filling
from engine.goals.spec import CLASSIFIERS, REGRESSORS

_TREES = ("RandomForest", "GradientBoosting", "XGBoost")
_BOOSTING = ("GradientBoosting", "XGBoost")


@dataclass
class Choice:
    """What is taken in and left out of one list; `only` closes it, `added` extends the one before, `swapped` changes a member."""

    taken: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    only: bool = False
    added: bool = False
    swapped: bool = False
    everything: bool = False


def read_coins(sentence: Sentence) -> tuple[Choice, list[str]]:
    """The coins to predict, and those that only give features (`using btc as a driver`)."""
    choice = Choice()
    drivers: list[str] = []
    whole = sentence.has("allcoins") or sentence.has("altcoins")
    for at in sentence.find("coin"):
        coin = sentence.terms[at].tags["coin"]
        if _is_left_out(sentence, at, ("coin",)):
            _put(choice.left_out, coin)
        elif _is_driver(sentence, at):
            _put(drivers, coin)
        else:
            _put(choice.taken, coin)
            choice.added = choice.added or _is_added(sentence, at, ("coin",))
    if not choice.taken and drivers and not whole:
        choice.taken, drivers = drivers, []
    for at in sentence.find("allcoins", "altcoins"):
        choice.everything = not _is_left_out(sentence, at, ("coin",)) or choice.everything
    if sentence.has("everything", "allnamed") and not choice.taken:
        choice.everything = True  # beside a coin it means the models, or the data
    if not choice.everything and not choice.taken and choice.left_out and sentence.has("all"):
        choice.everything = any(_all_before_not(sentence, at) for at in sentence.find("coin")) or any(
            sentence.terms[at].has("not") for at in sentence.find("all")
        )
    if sentence.has("altcoins") and not choice.taken:
        choice.everything = True
        _put(choice.left_out, "btc")
    if choice.everything:
        choice.taken = []
    return choice, [coin for coin in drivers if coin not in choice.taken]


def read_models(sentence: Sentence) -> tuple[Choice, list[str]]:
    """The models named, canonical, and those named that are not there."""
    choice = Choice()
    missing: list[str] = []
    for at in sentence.find("model", "models"):
        term = sentence.terms[at]
        names = (
            (term.tags["model"],)
            if term.has("model")
            else {"trees": _TREES, "boosting": _BOOSTING}[term.tags["models"]]
        )
        kinds = ("model", "models", "modelword", "unavailable")
        for name in names:
            if _is_left_out(sentence, at, kinds):
                _put(choice.left_out, name)
                choice.swapped = choice.swapped or _is_swapped(sentence, at, kinds)
            else:
                _put(choice.taken, name)
                choice.only = choice.only or _is_only(sentence, at, kinds)
                choice.added = choice.added or _is_added(sentence, at, kinds)
    for at in sentence.find("unavailable", "source"):
        if not _is_left_out(sentence, at, ("model", "models", "modelword", "unavailable", "source")):
            _put(missing, sentence.terms[at].tags.get("unavailable") or sentence.terms[at].tags["source"])
    for at in sentence.find("modelword"):
        lead = sentence.next_before(at)
        if lead.has("all") and not lead.has("only") and not sentence.terms[at].has("predict", "not"):
            choice.everything = True
    return choice, missing


def read_indicators(sentence: Sentence) -> Choice:
    """The indicators named, with their windows."""
    choice = Choice()
    kinds = ("indicator", "indicatorword")
    for at in sentence.find("indicator"):
        names = sentence.terms[at].value
        assert isinstance(names, tuple)
        for name in names:
            if _is_left_out(sentence, at, kinds):
                _put(choice.left_out, name)
            else:
                _put(choice.taken, name)
                choice.only = choice.only or _is_only(sentence, at, kinds)
                choice.added = choice.added or _is_added(sentence, at, kinds)
    for at in sentence.find("indicatorword"):
        if sentence.next_before(at).has("not") and not choice.taken:
            choice.only = True
    return choice


def read_metrics(sentence: Sentence) -> list[str]:
    """The metrics named that are not left out."""
    found: list[str] = []
    for at in sentence.find("metric"):
        if not _is_left_out(sentence, at, ("metric",)):
            _put(found, sentence.terms[at].tags["metric"])
    return found


def fit_models(names: list[str], task: str) -> list[str]:
    """The models under the names they have for a task: a linear model of a direction is a logistic regression."""
    if task == "classification":
        swapped = {"LinearRegression": "LogisticRegression", "Ridge": "LogisticRegression"}
        known: tuple[str, ...] = CLASSIFIERS
    else:
        swapped = {"LogisticRegression": "LinearRegression"}
        known = REGRESSORS
    return list(dict.fromkeys(n for n in (swapped.get(name, name) for name in names) if n in known))


def _put(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _is_joint(term: Term, kinds: tuple[str, ...]) -> bool:
    """Whether a term may stand inside a list: another member, a comma, `and`, a filling word."""
    return (
        term.has(*kinds)
        or term.has("and", "or")
        or term.text in (",", "/", "(", "'", '"', "-", "+")
        or (is_filling(term) and term.number is None)
    )


def _is_left_out(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    """Whether `not`, `without`, `except` reaches this member, over other members of its list."""
    if sentence.beside(at, 1).has("notpost") or _is_post(sentence, at, kinds):
        return True
    if _is_swapped(sentence, at, kinds) or _is_put_out(sentence, at, kinds):
        return True
    seen_member_after_comma = False
    for position in range(at - 1, max(at - 12, -1), -1):
        term = sentence.terms[position]
        if term.has("but") and any(
            t.has("all", "allcoins", "allnamed", "everything")
            for t in sentence.terms[max(position - 4, 0) : position]
        ):
            return True
        if term.has("not") and term.has("down") and _is_noun(sentence, position):
            return False
        if term.has("not") and sentence.beside(position, 1).text == ",":
            return False  # "no, ada please" answers
        if term.has("not") and not term.has("only"):
            return not seen_member_after_comma and not _is_denied(sentence, position, kinds)
        if (
            term.has("add", "instead", "with")
            and not is_filling(term)
            and not (term.has("skip") and not term.has("with", "add"))
        ):
            if not sentence.beside(position, -1).has("not"):
                return False
            continue
        if not _is_joint(term, kinds):
            return False
    return False


def _is_noun(sentence: Sentence, at: int) -> bool:
    """`the biggest drop of xrp` leaves nothing out."""
    behind = sentence.beside(at, 1)
    return behind.has("in") or behind.text.lower() == "of" or sentence.beside(at, -1).has("length")


def _is_denied(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    """`no indicators except`: a second negation takes the first one back."""
    nouns = {"indicator": "indicatorword", "model": "modelword", "coin": "coinword"}
    words = [noun for kind, noun in nouns.items() if kind in kinds]
    for position in range(at - 1, max(at - 4, -1), -1):
        if sentence.terms[position].has(*words):
            return any(t.has("not") for t in sentence.terms[max(position - 3, 0) : position])
        if not is_filling(sentence.terms[position]):
            return False
    return False


def _is_swapped(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    """`replace xgboost with random forest`: whether this is the member that goes."""
    if not sentence.next_before(at).has("swap"):
        return False
    joint = sentence.next_after(at)
    return joint.has("in", "with", "to", "instead") and any(
        term.has(*kinds) for term in sentence.terms[at + 2 : at + 5]
    )


def _is_put_out(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    """`xgboost out, everything else in`."""
    if "coin" in kinds or sentence.beside(at, 1).text.lower() != "out":
        return False
    return sentence.beside(at, 2).text in ("", ",", ".", ";", ")")


def _is_post(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    """The same for languages that say it behind the list."""
    for position in range(at + 1, min(at + 8, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("notpost"):
            return True
        if not _is_joint(term, kinds):
            return False
    return False


def _is_only(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    for position in range(at + 1, min(at + 4, len(sentence.terms))):
        term = sentence.terms[position]
        if term.has("only"):
            return True
        if not _is_joint(term, kinds):
            break
    for position in range(at - 1, max(at - 8, -1), -1):
        term = sentence.terms[position]
        if term.has("only"):
            return True
        if not _is_joint(term, kinds) and not term.has("with", "period", "predict", "instead"):
            return False
    return False


def _is_added(sentence: Sentence, at: int, kinds: tuple[str, ...]) -> bool:
    if sentence.beside(at, 1).has("add") and not sentence.beside(at, 1).has("and"):
        return True
    for position in range(at - 1, max(at - 8, -1), -1):
        term = sentence.terms[position]
        if term.has("add") and not term.has("with"):
            return True
        if term.has("instead") and not term.has("with"):
            return False
        if not _is_joint(term, kinds) and not term.has("with", "period", "predict"):
            return False
    return False


def _is_driver(sentence: Sentence, at: int) -> bool:
    """`use btc as a feature`, `with btc's returns as input`, `from eth's moves`: not what is predicted."""
    others = [
        p for p in sentence.find("coin") if sentence.terms[p].tags["coin"] != sentence.terms[at].tags["coin"]
    ]
    clause = sentence.clause(at)
    featured = any(sentence.terms[p].has("feature") for p in clause if p > at and p - at <= 8)
    if featured and any(
        sentence.terms[p].has("with", "feature") for p in range(max(clause.start, at - 6), at)
    ):
        return True
    if not others:
        return False
    if featured and not any(p in clause and p > at for p in others):
        return True
    leads = list(sentence.before(at, reach=5))
    lead = leads[0] if leads else Term("", {})
    if lead.has("and") and len(leads) > 1 and leads[1].has("coin"):
        previous = next((p for p in range(at - 1, -1, -1) if sentence.terms[p].has("coin")), None)
        return previous is not None and previous != at and _is_driver(sentence, previous)
    if (
        lead.has("feature")
        or lead.text.lower() in ("using", "given", "from", "through")
        and not sentence.terms[at].has("used")
    ):
        follower = sentence.beside(at, 1)
        earlier = any(p < at for p in others) or any(
            sentence.terms[p].has("predict") for p in clause if p > at
        )
        return earlier and not (follower.has("data", "when") and lead.text.lower() == "from")
    return False


def _all_before_not(sentence: Sentence, at: int) -> bool:
    for position in range(at - 1, max(at - 10, -1), -1):
        if sentence.terms[position].has("not"):
            return any(t.has("all") for t in sentence.before(position, reach=3)) or sentence.terms[
                position
            ].has("all")
    return False
