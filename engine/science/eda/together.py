"""How coins move together: correlation of hourly returns with intervals, and who moves first."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.bars import Floats

_RESAMPLES = 400


@dataclass(frozen=True)
class Lead:
    """Correlation of one coin's return with the other's next one, bar by bar; `band` as in autocorrelation."""

    first: str
    then: str
    value: float
    band: float

    @property
    def is_clear(self) -> bool:
        return abs(self.value) > self.band


@dataclass(frozen=True)
class Together:
    """Correlations of returns of `minutes`, row by row, with 95 % intervals (whole days drawn again)."""

    coins: tuple[str, ...]
    minutes: int
    matrix: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    leads: tuple[Lead, ...]


def together(prices: Mapping[str, pd.DataFrame], seed: int) -> Together | None:
    """Return how the coins move together; None for one coin or where their bars do not meet."""
    if len(prices) < 2:
        return None
    close = pd.DataFrame({coin: frame["close"] for coin, frame in prices.items()})
    minutes = max(60, bars.bar_minutes(close.dropna(how="all")))
    joined = close.resample(pd.Timedelta(minutes=minutes)).last()
    returns = joined.pct_change(fill_method=None).dropna()
    if len(returns) < 48:
        return None
    values = returns.to_numpy(np.float64)
    day = np.unique(pd.DatetimeIndex(returns.index).normalize(), return_inverse=True)[1]
    low, high = _intervals(values, day, seed)
    return Together(
        coins=tuple(prices),
        minutes=minutes,
        matrix=_rows(np.corrcoef(values, rowvar=False)),
        low=_rows(low),
        high=_rows(high),
        leads=_leads(close),
    )


def _leads(close: pd.DataFrame) -> tuple[Lead, ...]:
    moves = close.pct_change(fill_method=None).to_numpy(np.float64)
    names = [str(name) for name in close.columns]
    found = []
    for a, b in permutations(range(len(names)), 2):
        x, y = moves[:-1, a], moves[1:, b]
        known = np.isfinite(x) & np.isfinite(y)
        x, y = x[known] - x[known].mean(), y[known] - y[known].mean()
        scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
        if scale > 0:
            value, band = float((x * y).sum()) / scale, 1.96 * float(np.sqrt(((x * y) ** 2).sum())) / scale
            found.append(Lead(names[a], names[b], value, band))
    return tuple(sorted(found, key=lambda lead: -abs(lead.value)))


def _intervals(values: Floats, day: "np.typing.NDArray[np.int64]", seed: int) -> tuple[Floats, Floats]:
    size = int(day.max()) + 1
    centred = (values - values.mean(axis=0)) / values.std(axis=0)
    products = np.stack(
        [centred[:, i] * centred[:, k] for i in range(values.shape[1]) for k in range(values.shape[1])]
    )
    sums = np.stack([np.bincount(day, weights=row, minlength=size) for row in products])
    weights = np.random.default_rng([seed, 47]).multinomial(size, np.full(size, 1 / size), _RESAMPLES)
    drawn = (weights @ sums.T).reshape(_RESAMPLES, values.shape[1], values.shape[1])
    scale = np.sqrt(np.einsum("rii->ri", drawn))
    drawn = drawn / (scale[:, :, None] * scale[:, None, :])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return low, high


def _rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in matrix)
