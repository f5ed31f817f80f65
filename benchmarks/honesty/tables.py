"""From outcomes to the printed table: counts with exact (Clopper-Pearson) 95 % bounds beside the targets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from benchmarks.honesty.naive import WAYS
from benchmarks.honesty.worlds import KINDS

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One measure: which outcomes it counts, which of them are hits, and what must hold."""

    name: str
    counts: Callable[[Row], bool]
    hits: Callable[[Row], bool]
    target: str
    is_met: Callable[[int, int], bool]


def bounds(hits: int, count: int, level: float = 0.95) -> tuple[float, float]:
    """The exact two-sided confidence bounds of a share (Clopper and Pearson, 1934)."""
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, count - hits + 1))
    high = 1.0 if hits == count else float(stats.beta.ppf(1 - tail, hits + 1, count - hits))
    return low, high


def _group(*names: str) -> Callable[[Row], bool]:
    return lambda row: KINDS[row["kind"]].group in names and row["is_usual"]


def _edge(row: Row) -> bool:
    return bool(row["decision"] == "edge")


def _seen(row: Row) -> bool:
    return bool(row["p_signal"] <= 0.05)


LINES: Sequence[Line] = (
    Line("false edge, none there", _group("null"), _edge, "<= 1 %", lambda k, n: k <= 0.01 * n),
    Line(
        "the same, goal says no costs",
        lambda row: KINDS[row["kind"]].group == "null" and not row["is_usual"],
        _edge, "<= 5 %", lambda k, n: k <= 0.05 * n,
    ),
    Line("edge on AR(1) 0.02-0.10", _group("ar"), _edge, "0", lambda k, n: k == 0),
    Line(
        "edge on lead-lag too small to pay", _group("too small to pay"), _edge, "0", lambda k, n: k == 0
    ),
    Line("power: hidden regime 0.20", _group("regime 0.20"), _edge, ">= 95 %", lambda k, n: k >= 0.95 * n),
    Line("power: hidden regime 0.10", _group("regime 0.10"), _edge, ">= 40 %", lambda k, n: k >= 0.40 * n),
    Line("power: lead-lag 0.60", _group("lead-lag 0.60"), _edge, ">= 95 %", lambda k, n: k >= 0.95 * n),
    Line(
        "pattern seen that cannot be traded",
        lambda row: row["is_usual"] and row["kind"] in ("ar 0.05", "ar 0.07", "ar 0.10", "lead-lag, sigma 0.001"),
        _seen, ">= 85 %", lambda k, n: k >= 0.85 * n,
    ),
    Line(
        "claimed edges truly worth nothing",
        lambda row: row["is_usual"] and _edge(row), lambda row: bool(row["true_net"] <= 0),
        "<= 5 %", lambda k, n: k <= 0.05 * n,
    ),
    Line(
        "10 days: not enough data",
        _group("10 days"), lambda row: bool(row["decision"] == "not_enough_data"), "all", lambda k, n: k == n,
    ),
)  # fmt: skip


def honesty(rows: Iterable[Row]) -> tuple[str, bool]:
    """The main table, and whether every target is met."""
    known = list(rows)
    written = [f"{'measure':<38} {'found':>9} {'share':>7}  {'95 % bounds':<15} {'target':<8} met"]
    met_all = True
    for line in LINES:
        counted = [row for row in known if line.counts(row)]
        hits = sum(line.hits(row) for row in counted)
        if not counted:
            continue
        met = line.is_met(hits, len(counted))
        met_all = met_all and met
        written.append(_row(line.name, hits, len(counted)) + f" {line.target:<8} {'yes' if met else 'NO'}")
    return "\n".join(written), met_all


def by_kind(rows: Iterable[Row]) -> str:
    """How many of each kind got which answer at the usual costs."""
    usual = [row for row in rows if row["is_usual"]]
    written = [f"{'kind':<24} {'series':>6} {'edge':>5} {'no edge':>8} {'too little':>10}  findings"]
    for name in dict.fromkeys(row["kind"] for row in usual):
        mine = [row for row in usual if row["kind"] == name]
        said = [sum(row["decision"] == d for row in mine) for d in ("edge", "no_edge", "not_enough_data")]
        findings = {f: sum(row["finding"] == f for row in mine) for f in sorted({r["finding"] for r in mine})}
        words = ", ".join(f"{f.replace('_', ' ')} {n}" for f, n in findings.items())
        written.append(f"{name:<24} {len(mine):>6} {said[0]:>5} {said[1]:>8} {said[2]:>10}  {words}")
    return "\n".join(written)


def seal_cost(rows: Iterable[Row]) -> str:
    """What the gate of the sealed span costs where an edge is there, and what it saves where none is."""
    usual = [row for row in rows if row["is_usual"]]
    written = [f"{'sealed span':<38} {'without it':>10} {'with it':>8}"]
    for group in ("regime 0.20", "regime 0.10", "lead-lag 0.60", "null"):
        mine = [row for row in usual if KINDS[row["kind"]].group == group]
        if mine:
            before, after = sum(row["without_seal"] for row in mine), sum(_edge(row) for row in mine)
            written.append(f"{'edge claimed on ' + group:<38} {before:>6}/{len(mine)} {after:>4}/{len(mine)}")
    return "\n".join(written)


def naive(rows: Iterable[Row]) -> str:
    """What the obvious ways claim on the series that have no edge."""
    known = [row for row in rows if row["is_usual"] and row["naive"]]
    written = [f"{'obvious way, on series without an edge':<64} {'claims':>9} {'share':>7}  95 % bounds"]
    for way in WAYS if known else ():
        hits = sum(row["naive"][way] for row in known)
        written.append(_row(way, hits, len(known), width=64))
    return "\n".join(written)


def _row(name: str, hits: int, count: int, width: int = 38) -> str:
    low, high = bounds(hits, count)
    interval = f"{low:.1%} to {high:.1%}"
    return f"{name:<{width}} {f'{hits}/{count}':>9} {hits / count:>7.1%}  {interval:<15}"
