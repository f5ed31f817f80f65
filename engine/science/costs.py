"""What a trade costs per side: the stated cost, raised to the fee plus half the spread where prices show one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.science import bars
from engine.science.bars import Floats
from engine.science.errors import BadSetting

FEE_BPS = 10.0
SLIPPAGE_BPS = 2.0
DEFAULT_BPS = FEE_BPS + SLIPPAGE_BPS
HALF_SPREAD_CAP_BPS = 10.0


@dataclass(frozen=True)
class Cost:
    """Cost per side in basis points: `bps` is what is charged, `note` says why in words."""

    bps: float
    stated_bps: float
    is_default: bool
    half_spread_bps: float
    is_quoted: bool
    is_capped: bool
    note: str

    @property
    def share(self) -> float:
        """The cost as a share of the amount traded."""
        return self.bps / 10_000.0


def effective(prices: pd.DataFrame, stated_bps: float | None = None) -> Cost:
    """Return the cost per side: max(stated, fee + half the spread), where the fee is at most what was stated.

    Without a statement 12 bp are stated (10 fee, 2 slippage). The spread is the median of the quotes where prices
    carry bid and ask; otherwise Roll's estimate, which counts only where it is clearly there and up to 10 bp a side.
    """
    is_default = stated_bps is None
    stated = DEFAULT_BPS if stated_bps is None else float(stated_bps)
    if not 0 <= stated <= 1_000:
        raise BadSetting("Costs per side must lie between 0 and 1,000 basis points (10 %).")
    quoted = quoted_half_spread_bps(prices)
    estimate = roll_half_spread_bps(bars.returns(prices)) if quoted is None else quoted
    is_capped = quoted is None and estimate > HALF_SPREAD_CAP_BPS
    half = min(estimate, HALF_SPREAD_CAP_BPS) if is_capped else estimate
    bps = max(stated, min(stated, FEE_BPS) + half)
    note = _note(bps, stated, is_default, half, quoted is not None, is_capped)
    return Cost(bps, stated, is_default, half, quoted is not None, is_capped, note)


def quoted_half_spread_bps(prices: pd.DataFrame) -> float | None:
    """Return the median half spread of the quotes in bp, None where fewer than half of the bars carry good ones."""
    if "bid" not in prices.columns or "ask" not in prices.columns:
        return None
    bid, ask = prices["bid"].to_numpy(np.float64), prices["ask"].to_numpy(np.float64)
    good = np.isfinite(bid) & np.isfinite(ask) & (bid > 0) & (ask >= bid)
    if good.sum() < max(100, len(prices) / 2):
        return None
    return float(np.median((ask[good] - bid[good]) / (ask[good] + bid[good])) * 10_000)


def roll_half_spread_bps(returns: Floats) -> float:
    """Return half of Roll's (1984) spread in bp: the square root of minus the covariance of neighbouring returns.

    Returns are clipped at eight times their usual size, so that one wild hour does not set the price of a quiet
    month; a covariance within three standard errors of zero is read as no spread.
    """
    known = returns[np.isfinite(returns)]
    if len(known) < 100:
        return 0.0
    limit = 8 * 1.4826 * float(np.median(np.abs(known)))
    clipped = np.clip(known, -limit, limit) if limit > 0 else known
    products = (clipped[1:] - clipped.mean()) * (clipped[:-1] - clipped.mean())
    covariance, error = float(products.mean()), float(products.std() / np.sqrt(len(products)))
    return float(np.sqrt(-covariance) * 10_000) if covariance < -3 * error else 0.0


def _note(bps: float, stated: float, is_default: bool, half: float, is_quoted: bool, is_capped: bool) -> str:
    source = "the usual 10 bp fee and 2 bp slippage" if is_default else "as stated"
    if bps <= stated:
        return f"{bps:.1f} bp per side, {source}"
    kind = "quoted half spread" if is_quoted else "half spread seen in the prices"
    cap = ", counted up to 10 bp" if is_capped else ""
    return f"{bps:.1f} bp per side: {min(stated, FEE_BPS):.1f} bp fee and a {kind} of {half:.1f} bp{cap}"
