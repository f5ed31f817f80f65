"""Everything tried counts: trials of this and earlier runs on the same prices are tested as one family.

A trial is one rule (model, settings, features, horizon, threshold) on one coin and span, kept as the block sums of its
test series. The same trial counts once however often it is run; trials whose spans overlap count together; coins of
one goal count together; targets stay apart. Rows come from and go to a table this module knows nothing of.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from engine.science import blocks, maxt
from engine.science.bars import Floats
from engine.science.targets import Target


@dataclass(frozen=True, eq=False)
class Trial:
    """One rule's results in blocks of `block_minutes` on the clock of `blocks`, per test (`signal`, `net` ...).

    `start` and `end` (aware UTC, half-open) are the bars the figures speak of.
    """

    key: str
    coin: str
    series: str
    target: Target
    horizon_minutes: int
    start: datetime
    end: datetime
    block_minutes: int
    first_block: int
    sums: Mapping[str, Floats]

    def overlaps(self, other: "Trial") -> bool:
        """Say whether both speak of the same coin, prices and target on spans that share time."""
        same = (self.coin, self.series, self.target) == (other.coin, other.series, other.target)
        return same and self.start < other.end and other.start < self.end


@dataclass(frozen=True, eq=False)
class Family:
    """Trials that are corrected together: the run's own first, in their order, then the earlier ones."""

    own: tuple[Trial, ...]
    earlier: tuple[Trial, ...]
    block_minutes: int
    _known: dict[tuple[str, int], Floats] = field(default_factory=dict, repr=False)

    def p_values(self, test: str, seed: int) -> Floats:
        """Return the corrected one-sided p-value of each of the run's own trials; 1 where it lacks the test."""
        if (test, seed) not in self._known:
            self._known[test, seed] = self._p_values(test, seed)
        return self._known[test, seed]

    def _p_values(self, test: str, seed: int) -> Floats:
        trials = [trial for trial in (*self.own, *self.earlier) if test in trial.sums]
        result = np.ones(len(self.own))
        if not trials:
            return result
        table = self._table(trials, test)
        corrected = maxt.p_values(table, seed)
        for place, trial in enumerate(self.own):
            if test in trial.sums:
                result[place] = corrected[next(i for i, other in enumerate(trials) if other is trial)]
        return result

    def statistics(self, test: str) -> Floats:
        """Return the statistic of each of the run's own trials; minus infinity where it lacks the test."""
        trials = [trial for trial in self.own if test in trial.sums]
        result = np.full(len(self.own), -np.inf)
        if trials:
            found = dict(zip(map(id, trials), maxt.statistics(self._table(trials, test)), strict=True))
            for place, trial in enumerate(self.own):
                result[place] = found.get(id(trial), -np.inf)
        return result

    def block_count(self, place: int, test: str) -> int:
        """Return the number of blocks of one of the run's own trials at the length of the test."""
        _, values = self._blocks(self.own[place], test)
        return len(values)

    def block_sums(self, place: int, test: str) -> Floats:
        """Return the block sums of one of the run's own trials at the length of the test."""
        return self._blocks(self.own[place], test)[1]

    def _blocks(self, trial: Trial, test: str) -> tuple[int, Floats]:
        return blocks.coarser(trial.first_block, trial.sums[test], trial.block_minutes, self.block_minutes)

    def _table(self, trials: Sequence[Trial], test: str) -> Floats:
        return blocks.align(self._blocks(trial, test) for trial in trials)


def family(own: Sequence[Trial], earlier: Iterable[Trial], wanted_minutes: int) -> Family:
    """Join the run's own trials with the earlier ones that overlap any of them, each key once (the own one wins).

    `wanted_minutes` is the block length the run's longest horizon needs.
    """
    keys = {trial.key for trial in own}
    added: dict[str, Trial] = {}
    for trial in earlier:
        if trial.key not in keys and any(trial.overlaps(mine) for mine in own):
            added[trial.key] = trial
    bases = {trial.block_minutes for trial in (*own, *added.values())}
    length = blocks.joint_minutes(bases, wanted_minutes)
    return Family(tuple(own), tuple(added[key] for key in sorted(added)), length)


def key(facts: Mapping[str, Any]) -> str:
    """Return the identity of a trial: a hash of everything that makes its results what they are."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def to_row(trial: Trial) -> dict[str, Any]:
    """Return a trial as plain values for a table; block sums as little-endian float64 bytes, test by test."""
    return {
        "key": trial.key,
        "coin": trial.coin,
        "series": trial.series,
        "target": trial.target,
        "horizon_minutes": trial.horizon_minutes,
        "start": trial.start,
        "end": trial.end,
        "block_minutes": trial.block_minutes,
        "first_block": trial.first_block,
        "tests": list(trial.sums),
        "sums": b"".join(np.asarray(values, dtype="<f8").tobytes() for values in trial.sums.values()),
    }


def from_row(row: Mapping[str, Any]) -> Trial:
    """Return the trial a row of `to_row` describes."""
    tests = list(row["tests"])
    values = np.frombuffer(row["sums"], dtype="<f8").astype(np.float64).reshape(len(tests), -1)
    plain = {name: row[name] for name in row if name not in ("tests", "sums")}
    fields = Trial.__dataclass_fields__
    kept = {name: value for name, value in plain.items() if name in fields}
    return Trial(**kept, sums=dict(zip(tests, values, strict=True)))
