"""A look at prices without a forecast: rhythm, spread, memory, regimes, falls, and how coins move together.

`explore` computes everything once; report, charts and message are written from the `Exploration` it returns.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from pydantic import TypeAdapter

from engine.science import bars
from engine.science.eda import clock, memory, regimes, shape, together
from engine.science.eda.clock import Clock
from engine.science.eda.memory import Memory
from engine.science.eda.regimes import Regimes
from engine.science.eda.shape import Distribution, Extreme, Fall
from engine.science.eda.together import Together
from engine.science.errors import BadSetting, TooFewBars

TOPICS = (
    "overview", "volatility", "distribution", "autocorrelation", "correlation", "drawdown", "extremes", "gaps", "volume",
)  # fmt: skip
_BY = re.compile(r"(volatility|return|volume)_by_(hour|weekday|month)")
_FEWEST_BARS = 100


@dataclass(frozen=True)
class Explored:
    """One coin: from its first to its last close, and what was found."""

    coin: str
    rows: int
    start: datetime
    end: datetime
    change: float
    highest: float
    highest_at: datetime
    lowest: float
    lowest_at: datetime
    clocks: tuple[Clock, ...]
    distribution: Distribution
    memory: Memory
    regimes: Regimes | None
    falls: tuple[Fall, ...]
    extremes: tuple[Extreme, ...]

    def clock(self, what: str, unit: str) -> Clock | None:
        """The clock of a measure and a unit, where there is one."""
        return next((c for c in self.clocks if (c.what, c.unit) == (what, unit)), None)


@dataclass(frozen=True)
class Exploration:
    """A look at one coin or several; `topic` is what was asked about."""

    topic: str
    coins: tuple[Explored, ...]
    together: Together | None

    def to_json(self) -> bytes:
        """Plain JSON, as `from_json` reads it."""
        return _ADAPTER.dump_json(self)


def from_json(content: bytes) -> Exploration:
    """Read back what `to_json` wrote."""
    return _ADAPTER.validate_json(content)


def check_topic(topic: str) -> str:
    """Return a topic as it is known here. Raises BadSetting with all there are."""
    wanted = topic.strip().lower() or "overview"
    if wanted in TOPICS or _BY.fullmatch(wanted):
        return wanted
    raise BadSetting(
        f"There is no topic {topic[:40]!r}. There are: {', '.join(TOPICS)}, and volatility, return or volume by hour, "
        "weekday or month, written like volatility_by_hour."
    )


def explore(prices: Mapping[str, pd.DataFrame], topic: str, seed: int) -> Exploration:
    """Look at cleaned prices on the regular grid, coin by coin and together. Raises BadSetting, TooFewBars."""
    topic = check_topic(topic)
    if topic == "correlation" and len(prices) < 2:
        raise BadSetting("A correlation needs two coins or more; name another one.")
    found = tuple(_coin(coin, bars.regular(frame), topic, seed) for coin, frame in prices.items())
    return Exploration(topic, found, together.together(prices, seed))


def _coin(coin: str, prices: pd.DataFrame, topic: str, seed: int) -> Explored:
    close = prices["close"].dropna()
    if len(close) < _FEWEST_BARS:
        raise TooFewBars(
            "{coin} has {n} bars in this period; at least {least} are needed. Take a longer period.",
            coin=coin,
            n=len(close),
            least=_FEWEST_BARS,
        )
    wanted: list[tuple[clock.What, clock.Unit]] = [("volatility", "hour"), ("volatility", "weekday")]
    if topic.startswith("volume"):
        wanted += [("volume", "hour"), ("volume", "weekday")]
    match = _BY.fullmatch(topic)
    if match:
        wanted.insert(0, (match[1], match[2]))  # type: ignore[arg-type]  # the pattern allows nothing else
    clocks = [clock.by(prices, what, unit, seed) for what, unit in dict.fromkeys(wanted)]
    step = timedelta(minutes=bars.bar_minutes(prices))
    return Explored(
        coin=coin,
        rows=len(close),
        start=close.index[0].to_pydatetime(),
        end=close.index[-1].to_pydatetime() + step,
        change=float(close.iloc[-1] / close.iloc[0] - 1),
        highest=float(close.max()),
        highest_at=close.index[int(close.argmax())].to_pydatetime() + step,
        lowest=float(close.min()),
        lowest_at=close.index[int(close.argmin())].to_pydatetime() + step,
        clocks=tuple(c for c in clocks if c is not None),
        distribution=shape.distribution(prices),
        memory=memory.memory(prices),
        regimes=regimes.regimes(prices, seed),
        falls=shape.falls(prices),
        extremes=shape.extremes(prices),
    )


_ADAPTER = TypeAdapter(Exploration)

__all__ = [
    "TOPICS", "Clock", "Distribution", "Exploration", "Explored", "Extreme", "Fall", "Memory", "Regimes", "Together",
    "check_topic", "explore", "from_json",
]  # fmt: skip
