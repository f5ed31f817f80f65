"""What a model's features contribute on unseen bars: each one, or a group of them, is shuffled and the loss measured.

Shuffling moves whole blocks of four hours within a fold's test part, so a column keeps its own shape in time and only
its link to the outcome is cut. Columns of a group move together. The intervals come from blocks of time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from engine.science import comparing, features
from engine.science.bars import Floats
from engine.science.comparing import Figure, Scored
from engine.science.metrics import Estimate
from engine.science.study import Study
from engine.science.walkforward import OutOfSample

REPEATS = 2
MOST_FEATURES = 40
_BLOCK_MINUTES = 240


@dataclass(frozen=True)
class Contribution:
    """A feature or a group by its plain name, its columns, and what is lost without it (AUC or skill)."""

    name: str
    columns: tuple[str, ...]
    loss: Estimate

    @property
    def is_clear(self) -> bool:
        """Whether the loss is beyond chance."""
        return self.loss.low > 0


@dataclass(frozen=True)
class Importance:
    """Contributions in one model's forecasts of one coin, the largest first."""

    coin: str
    model: str
    figure: Figure
    whole: Estimate
    features: tuple[Contribution, ...]
    groups: tuple[Contribution, ...]


def permuted(study: Study, walked: OutOfSample, seed: int, repeats: int = REPEATS) -> Importance:
    """Return what each feature and each group contributes on the judged span, `repeats` shuffles each.

    Of more than `MOST_FEATURES` columns only the groups are shuffled. A group of one column and that column are one
    thing: shuffled once, with one loss.
    """
    columns = [str(name) for name in study.features.columns]
    groups = features.groups(columns)
    single = {name: (name,) for name in columns} if len(columns) <= MOST_FEATURES else {}
    whole = comparing.score(study, walked)
    draw = np.random.default_rng([seed, 59])
    draws = comparing.Draws([whole], study.test_minutes, seed)
    as_said = draws.of([whole])
    without: dict[tuple[str, ...], comparing.Drawn] = {}

    def lost(wanted: Mapping[str, Sequence[str]], say: Callable[[str], str]) -> tuple[Contribution, ...]:
        for members in map(tuple, wanted.values()):
            if members not in without:
                without[members] = draws.of(
                    _without(study, walked, whole, members, draw) for _ in range(repeats)
                )
        found = comparing.differences(
            as_said, {name: without[tuple(members)] for name, members in wanted.items()}
        )
        listed = [Contribution(say(name), tuple(members), found[name]) for name, members in wanted.items()]
        return tuple(sorted(listed, key=lambda one: -one.loss.value))

    by_group = lost(groups, str)
    by_feature = lost(single, lambda column: features.in_words(column, study.bar_minutes))
    figure, value = comparing.standing([whole], study.test_minutes, seed)
    return Importance(study.coin, walked.spec.name, figure, value, by_feature, by_group)


def _without(
    study: Study, walked: OutOfSample, whole: Scored, members: Sequence[str], draw: np.random.Generator
) -> Scored:
    said = np.full(len(study.features), np.nan)
    for model in walked.folds:
        part = slice(model.fold.test_start, model.fold.test_end)
        said[part] = model.predict(_shuffled(study.features.iloc[part], members, study.bar_minutes, draw))
    rows = study.features.index.get_indexer(whole.index)
    return replace(whole, said=said[rows])


def _shuffled(
    table: pd.DataFrame, members: Sequence[str], bar_minutes: int, draw: np.random.Generator
) -> pd.DataFrame:
    """The table with some columns in another order of blocks; rows that lack a feature stay as they are."""
    usable = np.flatnonzero(features.usable(table))
    size = max(1, _BLOCK_MINUTES // bar_minutes)
    order = draw.permutation(-(-len(usable) // size))
    places = (
        np.concatenate([usable[block * size : (block + 1) * size] for block in order])
        if len(usable)
        else usable
    )
    values: Floats = table.to_numpy(np.float64, copy=True)
    at = table.columns.get_indexer(pd.Index(members))
    values[np.ix_(usable, at)] = values[np.ix_(places, at)]
    return pd.DataFrame(values, index=table.index, columns=table.columns)


def to_json(found: Importance) -> bytes:
    """Plain JSON, as `from_json` reads it."""
    return _ADAPTER.dump_json(found)


def from_json(content: bytes) -> Importance:
    """Read back what `to_json` wrote."""
    return _ADAPTER.validate_json(content)


_ADAPTER = TypeAdapter(Importance)
