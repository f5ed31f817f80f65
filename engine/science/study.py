"""One coin's question, prepared once: grid, features, targets, folds, costs - what every later step reads."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from engine.science import bars, blocks, costs, features, targets, validation
from engine.science.bars import Floats
from engine.science.costs import Cost
from engine.science.errors import BadPrices, TooFewBars
from engine.science.features import FeatureSpec
from engine.science.targets import Target, Task
from engine.science.validation import Plan
from engine.speech import said


@dataclass(frozen=True)
class Question:
    """What is asked, for one coin or several. Horizons in bars: the first is the one asked for, others are extra.

    `scout_horizons` are tried as well: they may show a pattern too quick for the horizon asked for, they count in the
    correction, and they cannot be the answer.
    """

    target: Target
    horizons: tuple[int, ...]
    features: FeatureSpec
    scout_horizons: tuple[int, ...] = ()
    thresholds: tuple[float, ...] = (0.0, 0.4, 0.6)
    stated_cost_bps: float | None = None
    refits: int = validation.REFITS
    rolling: bool = False

    @property
    def task(self) -> Task:
        """Classification for a direction, else regression."""
        return targets.task(self.target)

    @property
    def all_horizons(self) -> tuple[int, ...]:
        """Horizons asked for, then scouts, each once."""
        return tuple(dict.fromkeys((*self.horizons, *self.scout_horizons)))


def default_question(
    target: Target,
    horizons: tuple[int, ...],
    bar_minutes: int,
    *,
    indicators: tuple[str, ...] | None = None,
    drivers: tuple[str, ...] = (),
    stated_cost_bps: float | None = None,
) -> Question:
    """Return the usual question: the horizons asked for and, for a direction or a return, the next bar as a scout."""
    spec = features.default_spec(bar_minutes, target, indicators, drivers)
    scouts = () if target == "volatility" or 1 in horizons else (1,)
    return Question(target, horizons, spec, scouts, stated_cost_bps=stated_cost_bps)


@dataclass(frozen=True, eq=False)
class Study:
    """A question about one coin with all its inputs; arrays and frames share the regular grid of `prices`."""

    coin: str
    series: str
    question: Question
    prices: pd.DataFrame
    bar_minutes: int
    features: pd.DataFrame
    targets: Mapping[int, pd.Series]
    plans: Mapping[int, Plan]
    next_returns: Floats
    cost: Cost

    @property
    def judged(self) -> slice:
        """Positions of the judged span, the same for every horizon."""
        return next(iter(self.plans.values())).judged

    @property
    def judged_bars(self) -> int:
        """Number of bars of the judged span."""
        return next(iter(self.plans.values())).judged_bars

    @property
    def sealed(self) -> slice:
        """Positions of the sealed span."""
        fold = next(iter(self.plans.values())).sealed
        return slice(fold.test_start, fold.test_end)

    def times(self, part: slice) -> pd.DatetimeIndex:
        """Return the bar starts of a part of the grid."""
        return pd.DatetimeIndex(self.prices.index[part])

    def span(self, part: slice) -> tuple[datetime, datetime]:
        """Return the start and the end (exclusive) of a part of the grid, aware UTC."""
        index = self.times(part)
        last: datetime = index[-1].to_pydatetime()
        return index[0].to_pydatetime(), last + timedelta(minutes=self.bar_minutes)

    @property
    def test_minutes(self) -> int:
        """Block length for the tests: what the longest horizon needs."""
        return blocks.test_minutes(self.bar_minutes, max(self.question.all_horizons))

    @property
    def volatility_per_bar(self) -> float:
        """Standard deviation of the returns of the judged span."""
        return float(np.nanstd(self.next_returns[self.judged]))

    def facts(self) -> dict[str, Any]:
        """Return what identifies this study in the ledger, its model and threshold aside."""
        start, end = self.span(slice(0, len(self.prices)))
        return {
            "coin": self.coin,
            "series": self.series,
            "target": self.question.target,
            "bar_minutes": self.bar_minutes,
            # Without the empty part, so that trials kept before there was one stay the same trials.
            "features": {
                name: value
                for name, value in asdict(self.question.features).items()
                if value or name != "written"
            },
            "refits": self.question.refits,
            "rolling": self.question.rolling,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "cost_bps": round(self.cost.bps, 3),
        }


def prepare(
    coin: str,
    series: str,
    prices: pd.DataFrame,
    question: Question,
    *,
    drivers: Mapping[str, pd.DataFrame] | None = None,
    table: pd.DataFrame | None = None,
    written: pd.DataFrame | None = None,
) -> Study:
    """Prepare one coin. `table` is the feature table where it is already built from the same prices and question,
    else `written` holds the values of the features that an agent wrote.

    Raises TooFewBars, BadPrices, BadSetting with what to do.
    """
    grid = bars.regular(prices)
    minutes = bars.bar_minutes(grid)
    built = features.build(grid, question.features, drivers, written) if table is None else table
    usable = features.usable(built)
    if not usable.any():
        need = features.warmup_bars(question.features, minutes)
        raise TooFewBars(
            "No bar has all features: they need {need} bars before the first one, the period holds {held}. "
            "Take a longer period or indicators with shorter windows.",
            need=need,
            held=len(grid),
        )
    first = int(np.argmax(usable))
    horizons = question.all_horizons
    outcomes = {h: targets.build(grid, question.target, h) for h in horizons}
    plans = {
        h: validation.plan(len(grid), h, first=first, refits=question.refits, rolling=question.rolling)
        for h in horizons
    }
    for h in horizons:
        _require_both_sides(coin, outcomes[h], plans[h], question, minutes)
    return Study(
        coin,
        series,
        question,
        grid,
        minutes,
        built,
        outcomes,
        plans,
        bars.next_returns(grid),
        costs.effective(grid, question.stated_cost_bps),
    )


def _require_both_sides(coin: str, outcome: pd.Series, plan: Plan, question: Question, minutes: int) -> None:
    """Refuse a direction of which only one side occurs where it is learned or judged."""
    if question.target != "direction":
        return
    values = outcome.to_numpy(np.float64)
    training = slice(plan.first, plan.folds[0].train_end)
    for part, where in ((training, said("learns from")), (plan.judged, said("is judged on"))):
        sides = np.unique(values[part][np.isfinite(values[part])])
        if len(sides) < 2:
            raise BadPrices(
                "The price of {coin} {always} stood higher {minutes} minutes later in the part that a model {where}: "
                "with one kind of outcome there is nothing to tell apart. Take a longer period.",
                coin=coin,
                always=said("always") if len(sides) and sides[0] == 1.0 else said("never"),
                minutes=plan.horizon_bars * minutes,
                where=where,
            )
