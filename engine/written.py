"""Features that an agent wrote: run in the sandbox alone, their values read as a claim and put to the leak gate.

Every cut of the gate is a run of its own, in a process that has seen nothing else: code cannot remember in one run what
it was shown in another, so a value that is the same on cut prices cannot rest on the bars that were cut off.
"""

import numpy as np
import pandas as pd

from engine.errors import ToolError
from engine.science import bars, indicators, leaks
from engine.science.features import NAMED_INDICATORS
from engine.science.written import MEMORY_BARS, WrittenFeature
from sandbox import Limits, Sandbox

LIMITS = Limits(seconds=20.0, memory_mb=1_024)
# The share of recorded bars on which a feature must have a value.
LEAST_KNOWN = 0.8
_VALUE_BYTES = 8
_AFTER = """

import pandas as _pandas

_made = feature(bars)
if not isinstance(_made, _pandas.Series):
    raise TypeError(f"feature(bars) must return a Series with one number per bar, not {type(_made).__name__}")
if len(_made) != len(bars) or not _made.index.equals(bars.index):
    raise ValueError(f"feature(bars) returned {len(_made):,} values for {len(bars):,} bars; keep the index of bars")
if not _pandas.api.types.is_numeric_dtype(_made):
    raise TypeError(f"feature(bars) must return numbers, not {_made.dtype}")
with open("data.bin", "wb") as _file:
    _file.write(_made.to_numpy(dtype="float64", na_value=float("nan")).tobytes())
result = None
"""


class Off(ToolError):
    """Code cannot be held here."""


def shown(prices: pd.DataFrame) -> pd.DataFrame:
    """What the code gets as `bars`: the regular grid of the prices with the five usual indicators, as of each bar."""
    grid = bars.regular(prices)[list(bars.REQUIRED)]
    return grid.join(indicators.compute(grid, NAMED_INDICATORS))


def run(sandbox: Sandbox | None, prices: pd.DataFrame, feature: WrittenFeature) -> pd.Series:
    """The feature's values on these bars, NaN where it has none. Raises ToolError, Off where code cannot be held."""
    if sandbox is None:
        raise Off(
            f"The feature {feature.name} was written by an agent as code, and code execution is off here; "
            "`omc doctor` says why."
        )
    given = shown(prices)
    # The code was looked over by the sandbox's own filter when it was handed in; what is added here may open its file.
    done = sandbox.run(feature.code + _AFTER, {"bars": given}, LIMITS, lint=False)
    if done.status == "unavailable":
        raise Off(f"The feature {feature.name} cannot be computed: {done.error}")
    if done.status != "ok":
        raise ToolError(
            f"The code of {feature.name} ended with {done.status}: {_first_lines(done.error)} "
            "Correct it and call write_feature again."
        )
    if len(done.data) != _VALUE_BYTES * len(given):
        raise ToolError(
            f"The code of {feature.name} left no value for each bar; return a Series on the index of bars."
        )
    values = np.frombuffer(done.data, dtype=np.float64).copy()
    values[~np.isfinite(values)] = np.nan
    return pd.Series(values, index=given.index, name=feature.column)


def passed(
    sandbox: Sandbox | None, prices: pd.DataFrame, feature: WrittenFeature, seed: int
) -> tuple[pd.Series, int]:
    """The values that training may see, and the cuts at which they stayed the same. Raises ToolError with what to do."""
    prices = bars.regular(prices)
    values = run(sandbox, prices, feature)
    _require_content(values, prices, feature)
    if not values.equals(run(sandbox, prices, feature)):
        raise ToolError(
            f"{feature.name} has other values each time; leave out chance, or draw from a generator with a fixed seed."
        )

    def build(part: pd.DataFrame) -> pd.DataFrame:
        made = values if part is prices else run(sandbox, part, feature)
        return made.to_frame()

    warmup = indicators.warmup_bars(NAMED_INDICATORS)
    found = leaks.check(build, prices, seed, warmup_bars=warmup, memory_bars=MEMORY_BARS)
    if found.leaking:
        raise ToolError(
            f"{feature.name} looks into the future: its value at a bar changes when later bars are cut off. Use that bar "
            "and earlier ones only: no shift(-n), no centred window, no mean of the whole series, no filling backwards."
        )
    if found.start_dependent:
        raise ToolError(
            f"{feature.name} depends on where the data begin: use a rolling window of at most {MEMORY_BARS:,} bars instead "
            "of a sum, mean or count from the start."
        )
    return values, found.cuts


def _require_content(values: pd.Series, prices: pd.DataFrame, feature: WrittenFeature) -> None:
    recorded = prices["close"].notna().to_numpy()
    known = values.to_numpy()[recorded]
    known = known[np.isfinite(known)]
    if len(known) < LEAST_KNOWN * recorded.sum():
        raise ToolError(
            f"{feature.name} has a value on {len(known):,} of {int(recorded.sum()):,} bars only; use a shorter window, or give "
            f"a number where there is none: {LEAST_KNOWN:.0%} are needed."
        )
    if np.ptp(known) <= 1e-12 * max(1.0, float(np.abs(known).max())):
        raise ToolError(
            f"{feature.name} is the same on every bar, so no model can learn from it; write another."
        )


def _first_lines(error: str | None) -> str:
    text = " ".join((error or "it says nothing.").split())
    return text if len(text) <= 600 else f"{text[:600]} ..."
