"""Two results side by side: which inputs differ, which figures differ, and which input can have moved which figure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bots.words import Words

Metrics = Mapping[str, Any]

FORECASTS, MONEY, CHANCE = "forecasts", "money", "chance"
EVERYTHING = (FORECASTS, MONEY, CHANCE)
_FORECAST_FIGURES = (
    "accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "brier", "mae", "rmse", "r2", "hit_rate",
    "skill", "skill_sealed", "correlation",
)  # fmt: skip
# Not inputs, or the same thing said twice.
_NOT_INPUTS = frozenset({"reasons", "stated", "warnings", "costs_stated", "metric"})


@dataclass(frozen=True)
class Input:
    """An input that differs, and the groups of figures it can move."""

    name: str
    first: str
    second: str
    moves: tuple[str, ...]


@dataclass(frozen=True)
class Figure:
    """A figure that differs, and its group."""

    name: str
    first: str
    second: str
    group: str


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two results; `figures` counts those compared."""

    inputs: tuple[Input, ...]
    figures: tuple[Figure, ...]
    compared: int


def compare(first: Metrics, second: Metrics) -> Comparison:
    """Hold two metrics.json against each other."""
    one, two = dict(_figures(first)), dict(_figures(second))
    names = [*one, *(name for name in two if name not in one)]
    changed = [
        Figure(name, _text(one.get(name)), _text(two.get(name)), _group(name))
        for name in names
        if not _same(one.get(name), two.get(name))
    ]
    return Comparison(tuple(_inputs(first, second)), tuple(changed), len(names))


def tell(comparison: Comparison, first: str, second: str, words: Words, *, most: int = 12) -> str:
    """The comparison in words: inputs, then each group of figures with the inputs that can have moved it."""
    if not comparison.inputs and not comparison.figures:
        return words("compare.identical", first=first, second=second, n=comparison.compared)
    lines = []
    if comparison.inputs:
        lines.append(words("compare.inputs", first=first, second=second))
        lines += [
            f"  {_named(known.name, words)}: {_value(known.first, words)} -> {_value(known.second, words)}"
            for known in comparison.inputs
        ]
    else:
        lines.append(words("compare.same_inputs", first=first, second=second))
    if not comparison.figures:
        lines.append(words("compare.no_figures", n=comparison.compared))
    for group in EVERYTHING:
        moved = [figure for figure in comparison.figures if figure.group == group]
        if not moved:
            continue
        movers = [_named(known.name, words) for known in comparison.inputs if group in known.moves]
        said = words(f"compare.group.{group}")
        lines.append(
            words("compare.moved", group=said, inputs=_listed(movers, words))
            if movers
            else words("compare.unmoved", group=said)
        )
        lines += [
            f"  {figure.name}: {_value(figure.first, words)} -> {_value(figure.second, words)}"
            for figure in moved[:most]
        ]
        if len(moved) > most:
            lines.append(words("compare.more", n=len(moved) - most))
    return "\n".join(lines)


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Plain JSON."""
    return {
        "identical": not comparison.inputs and not comparison.figures,
        "figures_compared": comparison.compared,
        "inputs": [dict(known.__dict__, moves=list(known.moves)) for known in comparison.inputs],
        "figures": [dict(figure.__dict__) for figure in comparison.figures],
    }


def _inputs(first: Metrics, second: Metrics) -> Iterator[Input]:
    specs = (first.get("spec") or {}, second.get("spec") or {})
    for name in sorted({*specs[0], *specs[1]} - _NOT_INPUTS):
        pair = (specs[0].get(name), specs[1].get(name))
        if pair[0] != pair[1]:
            moves = (MONEY, CHANCE) if name == "costs_bps" else EVERYTHING
            yield Input(name.replace("_", " "), _text(pair[0]), _text(pair[1]), moves)
    data = (first.get("data") or {}, second.get("data") or {})
    for name, said in (("series", "price series"), ("hash", "prices")):
        if data[0].get(name) != data[1].get(name):
            yield Input(said, _short(data[0].get(name)), _short(data[1].get(name)), EVERYTHING)
    if not _same(data[0].get("effective_cost_bps"), data[1].get("effective_cost_bps")):
        yield Input(
            "cost per side charged (bp)", _text(data[0].get("effective_cost_bps")),
            _text(data[1].get("effective_cost_bps")), (MONEY, CHANCE),
        )  # fmt: skip
    if first.get("seed") != second.get("seed"):
        yield Input("seed", _text(first.get("seed")), _text(second.get("seed")), EVERYTHING)
    versions = (first.get("versions") or {}, second.get("versions") or {})
    for name in sorted({*versions[0], *versions[1]}):
        if versions[0].get(name) != versions[1].get(name):
            yield Input(
                f"version of {name}", _text(versions[0].get(name)), _text(versions[1].get(name)), EVERYTHING
            )
    counted = [
        (verdict.get("candidates_counted") or 0) - (verdict.get("candidates") or 0)
        for verdict in (first.get("verdict") or {}, second.get("verdict") or {})
    ]
    if counted[0] != counted[1]:
        yield Input("earlier trials counted", str(counted[0]), str(counted[1]), (CHANCE,))


def _figures(metrics: Metrics) -> Iterator[tuple[str, Any]]:
    parts = metrics.get("by_coin") or [metrics]
    for part in parts:
        prefix = f"{part['coin']}, " if part.get("coin") and len(parts) > 1 else ""
        for name, value in (part.get("verdict") or {}).items():
            if name not in ("reason", "ledger_position", "candidates", "candidates_counted"):
                yield f"{prefix}verdict, {name.replace('_', ' ')}", value
        for kind in ("models", "baselines"):
            for entry in part.get(kind) or ():
                for metric, found in entry["metrics"].items():
                    value = found.get("value") if isinstance(found, Mapping) else found
                    yield f"{prefix}{entry['name']}, {metric.replace('_', ' ')}", value


def _group(name: str) -> str:
    last = name.rsplit(", ", 1)[1].replace(" ", "_")
    if last in _FORECAST_FIGURES:
        return FORECASTS
    chance = last.startswith(
        ("p_", "decision", "reason_code", "deflated", "best_model", "folds", "least", "sealed_open")
    )
    return CHANCE if chance else MONEY


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, int | float) and isinstance(two, int | float) and not isinstance(one, bool):
        return abs(one - two) <= 1e-12 * max(1.0, abs(one))
    return bool(one == two)


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def _short(value: Any) -> str:
    text = _text(value)
    return text[:12] if len(text) == 64 else text


def _listed(names: list[str], words: Words) -> str:
    return names[0] if len(names) == 1 else words("compare.or").join([", ".join(names[:-1]), names[-1]])


def _named(name: str, words: Words) -> str:
    key = f"compare.input.{name}"
    return words(key) if words.knows(key) else name


def _value(text: str, words: Words) -> str:
    if text == "none":
        return words("none")
    return words.figures(text) if re.fullmatch(r"-?[\d,]*\.?\d+(e-?\d+)?", text) else text
