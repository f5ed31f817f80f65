"""How many true sentences the number guard refuses, and how many with one wrong figure it lets through.

True are the sentences of finished reports, which code wrote from the results, and what a colleague would say of the
same results in other words (`TOLD`). Each sentence that passes is then changed in one figure at a time.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.models.houses import house, say
from engine import guard
from engine.guard import Figures
from engine.outcome import Completed
from tests.engine.houses import House

# Days of prices, seed of the simulation, goals. The guard was written beside the first; the second it had not seen
# when it was finished.
SEEN = (65, 7, (
    "will btc close higher in the next hour? last 20 days, logistic regression",
    "eth up or down 4h ahead, last 60 days, logistic regression, 6 bps",
    "forecast btc volatility 1h ahead, last 30 days, ridge",
    "predict the return of xrp 1h ahead using doge, last 45 days, ridge",
    "does RSI help to predict btc 1h ahead? last 30 days, logistic regression",
    "which is easier to predict in the next hour, btc or eth? last 30 days, logistic regression",
    "correlation of btc, eth and sol, last 40 days",
    "volatility of btc by hour of the day, last 20 days",
))  # fmt: skip
FRESH = (56, 41, (
    "will eth close higher in the next 30 minutes? last 40 days, logistic regression, 3 bps",
    "sol up or down in the next 2 hours, last 50 days, logistic regression, no fees",
    "will xrp close higher in the next 5 minutes using doge? last 30 days, logistic regression",
    "forecast eth volatility 4h ahead, last 40 days, linear regression",
    "predict the return of btc 2h ahead, last 45 days, linear regression and ridge",
    "does MACD help to predict eth 1h ahead? last 35 days, logistic regression",
    "drawdowns of eth, last 45 days",
    "distribution of the returns of sol, last 30 days",
))  # fmt: skip
# So many sentences that were let through are shown.
SLIPS = 6
FACTORS = (0.4, 0.7, 0.93, 1.07, 1.3, 1.6)
# What a colleague would say, from the finished run's own figures. Left out where a run has none of them.
TOLD = (
    "{model} was right in {acc:.1%} of cases ({acc_low:.1%} to {acc_high:.1%}), which is a coin toss.",
    "Balanced accuracy is {acc:.3f}, so the model does not know which way the price goes.",
    "The AUC of {auc:.2f} says the same; its 95 % interval runs from {auc_low:.2f} to {auc_high:.2f}.",
    "It made {net:+.1%} after costs, and {gross:+.1%} before them, over {days:.0f} days.",
    "The rule {net_verb} {net_abs:.0%} in {days:.0f} days once costs are paid.",
    "Before costs it {gross_verb} {gross_abs:.1%}.",
    "With about {trades:.1f} trades a day at {cost:.0f} bp a side, costs decide.",
    "It would break even at {even:.1f} bp a side, but a side costs {cost:.1f} bp.",
    "The deepest drawdown on the way was {drawdown_abs:.0%}.",
    "Its Sharpe ratio is {sharpe:.1f}.",
    "p = {p:.2f} after costs, corrected for all {rules:.0f} rules tried.",
    "Luck alone does as well in {p_signal:.0%} of cases before costs.",
    "Buy and hold {hold_verb} {hold_abs:.1%} on the same {days:.0f} days.",
    "The sealed span, opened once, {sealed_verb} {sealed_abs:.1%}.",
    "Only {positive:.0f} of {parts:.0f} parts of the judged span were positive.",
    "The model was fitted {folds:.0f} times on growing history and judged on {bars:,.0f} bars it had not seen.",
    "There are {rows:,.0f} bars from {start} to {end}, five minutes each.",
    "A skill of {skill:.1%} means that it beats the best simple forecast by little.",
    "R² is {r2:.2f} on unseen bars.",
    "{features:.0f} features went in, and the leak gate cut the data {cuts:.0f} times without finding a look ahead.",
    "The data could only show a correlation of {shown:.2f}; {paying:.2f} would already pay.",
    "Nach Kosten {net_verb_de} die Regel {net_abs:.1%} in {days:.0f} Tagen, bei {cost:.0f} bp Kosten je Seite.",
    "Die Trefferquote liegt bei {acc:.1%} ({acc_low:.1%} bis {acc_high:.1%}), p = {p:.2f}.",
    "Es sind {rows:,.0f} Kerzen; {rules:.0f} Regeln wurden versucht.",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One run: what its tools had returned before the text was worded, and true sentences about it."""

    goal: str
    known: Figures
    reported: tuple[str, ...]
    worded: tuple[str, ...]


def numbers() -> None:
    """Refusals and what is let through, over reports the guard was written beside and over others."""
    for title, (days, seed, goals) in {"goals seen before": SEEN, "fresh goals and prices": FRESH}.items():
        with house(days, seed) as home:
            measure(title, list(tell(home, goals)))


def tell(home: House, goals: tuple[str, ...]) -> Iterator[Told]:
    """Run each goal without a model and take down what could be said of it."""
    for goal in goals:
        session = home.open(goal)
        outcome = home.run(session)
        if not isinstance(outcome, Completed):
            say(f"{goal}: {outcome}")
            continue
        # A model words its text before the report's own summary of all figures is there.
        rows = [row for row in home.audit(session) if row.role == "tool"]
        results = [row.content for row in rows if row.details["tool"] != "generate_summary"]
        known = guard.gather([*results, outcome.result["spec"]])
        yield Told(goal, known, tuple(_sentences(reported(outcome))), tuple(worded(facts(outcome.result))))


def measure(title: str, told: list[Told]) -> None:
    """Print the shares."""
    draw = random.Random(1)
    say(f"{title}: {len(told)} runs")
    refused: list[tuple[str, list[str]]] = []
    true: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    slips: list[tuple[str, str]] = []
    for run in told:
        for kind, sentences in {"of the report": run.reported, "of a colleague": run.worded}.items():
            for sentence in sentences:
                true[kind] += 1
                missing = guard.unfounded(sentence, run.known)
                if missing:
                    refused.append((f"{kind} {sentence}", missing))
                    continue
                for change, how in CHANGES.items():
                    for other in how(sentence, draw):
                        wrong[change] += 1
                        if not guard.unfounded(other, run.known):
                            passed[change] += 1
                            slips.append((change, other))
    for kind in true:
        count = sum(sentence.startswith(kind) for sentence, _ in refused)
        say(f"  true sentences {kind}: {true[kind]}, refused {count} ({count / true[kind]:.1%})")
    for change in CHANGES:
        share = passed[change] / max(1, wrong[change])
        say(f"  {change}: {wrong[change]}, let through {passed[change]} ({share:.1%})")
    for sentence, missing in refused[:20]:
        say(f"    refused {missing}: {sentence[:170]}")
    for change, sentence in draw.sample(slips, min(SLIPS, len(slips))):
        say(f"    let through, {change}: {sentence[:170]}")


def reported(outcome: Completed) -> list[str]:
    """What the report says in words: true by construction, since code wrote it from the results."""
    ending: dict[str, Any] = outcome.payload["finish"]
    notes = [note["text"] for note in outcome.result["stage_notes"]]
    found = [f"{one['title']}. {one['text']}" for one in outcome.result["findings"]]
    return [ending["verdict_line"], *ending["bullets"], *notes, *found, *outcome.result["recommendations"]]


def facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of metrics.json that TOLD uses, by short names."""
    verdict, data = result["verdict"] or {}, result["data"]
    none: dict[str, Any] = {"metrics": {}, "folds": None}
    best = next((m for m in result["models"] if m["name"] == verdict.get("best_model")), none)
    hold = next((b for b in result["baselines"] if b["name"] == "Buy and hold"), none)
    checked = result["validation"] or {}

    def of(metrics: Mapping[str, Any], name: str, part: str = "value") -> Any:
        return (metrics["metrics"].get(name) or {}).get(part)

    found: dict[str, Any] = {
        "model": verdict.get("best_model"), "rows": data["rows"], "start": data["start"][:10], "end": data["end"][:10],
        "acc": of(best, "balanced_accuracy"), "acc_low": of(best, "balanced_accuracy", "low"),
        "acc_high": of(best, "balanced_accuracy", "high"), "auc": of(best, "auc"), "auc_low": of(best, "auc", "low"),
        "auc_high": of(best, "auc", "high"), "net": of(best, "net_return"), "gross": of(best, "gross_return"),
        "trades": of(best, "trades_per_day"), "cost": data["effective_cost_bps"], "even": of(best, "break_even_bps"),
        "drawdown": of(best, "max_drawdown"), "sharpe": of(best, "sharpe"), "p": verdict.get("p_value"),
        "p_signal": verdict.get("p_signal"), "rules": verdict.get("candidates"), "hold": of(hold, "net_return"),
        "sealed": verdict.get("sealed_return"), "positive": verdict.get("folds_positive"), "parts": verdict.get("folds"),
        "folds": best["folds"], "skill": of(best, "skill"), "r2": of(best, "r2"), "days": checked.get("judged_days"),
        "features": checked.get("features"), "cuts": checked.get("leak_cuts"), "shown": verdict.get("least_edge_shown"),
        "paying": verdict.get("least_edge_paying"),
    }  # fmt: skip
    found["bars"] = found["days"] and found["days"] * 288
    for name in ("net", "gross", "hold", "sealed", "drawdown"):
        if found[name] is not None:
            found |= {f"{name}_abs": abs(found[name]), f"{name}_verb": "lost" if found[name] < 0 else "made"}
    if found["net"] is not None:
        found["net_verb_de"] = "verlor" if found["net"] < 0 else "gewann"
    return {name: value for name, value in found.items() if value is not None}


def worded(known: Mapping[str, Any]) -> Iterator[str]:
    """TOLD with a run's figures, where it has them all."""
    for sentence in TOLD:
        if all(name in known for name in re.findall(r"{(\w+)", sentence)):
            yield sentence.format(**known)


def _sentences(texts: list[str]) -> Iterator[str]:
    for text in dict.fromkeys(texts):
        for sentence in re.split(r"(?<=[.!?;])\s+", text):
            if any(c.isdigit() for c in sentence):
                yield sentence


# A figure by itself: no part of a name, a day or a time.
_FIGURE = re.compile(r"(?<![\w.,:−-])(\d[\d,]*)(\.\d+)?(?![\w:,]*\d)(?!-\d)(?![A-Za-z_])")


def _changed(sentence: str, draw: random.Random) -> Iterator[str]:
    """Each figure by itself, 7 to 60 % off, or by one where it is small."""
    yield from _replaced(sentence, lambda value, places: value * draw.choice(FACTORS))


def _next_digit(sentence: str, draw: random.Random) -> Iterator[str]:
    """Each figure off by one in its last digit."""
    yield from _replaced(sentence, lambda value, places: value + draw.choice((-1, 1)) * 10.0**-places)


def _replaced(sentence: str, other: Callable[[float, int], float]) -> Iterator[str]:
    for found in _FIGURE.finditer(sentence):
        places = len(found[2] or ".") - 1
        value = float(found.group().replace(",", ""))
        changed = abs(other(value, places))
        if f"{changed:.{places}f}" == f"{value:.{places}f}":
            changed = value + 10.0**-places
        yield f"{sentence[: found.start()]}{changed:,.{places}f}{sentence[found.end() :]}"


def _turned(sentence: str, draw: random.Random) -> Iterator[str]:
    """Each sign and each verb of winning or losing turned round."""
    turned = {"−": "+", "-": "+", "+": "−", "lost": "made", "made": "lost", "rose": "fell", "fell": "rose"}
    for found in re.finditer(r"(?<=[ (])[−+-](?=\d)|\b(?:lost|made|rose|fell)\b(?= \d)", sentence):
        yield f"{sentence[: found.start()]}{turned[found.group()]}{sentence[found.end() :]}"


def _other_unit(sentence: str, draw: random.Random) -> Iterator[str]:
    """Each percentage as basis points, and the other way round."""
    for found in re.finditer(r"(?<=\d)\s?(?:%|bp)", sentence):
        yield f"{sentence[: found.start()]} {'bp' if '%' in found.group() else '%'}{sentence[found.end() :]}"


CHANGES: Mapping[str, Callable[[str, random.Random], Iterator[str]]] = {
    "one figure changed by 7 to 60 %": _changed,
    "one figure changed by one in its last digit": _next_digit,
    "one sign or verb turned round": _turned,
    "one unit exchanged, percent and basis points": _other_unit,
}
