"""Series names: venue, currency and, where it is not five minutes, the cadence - `binance:usdt@1h`."""

import re
from dataclasses import dataclass

from storage.errors import PriceError

INTERVAL_SECONDS = 300
SIMULATED = "simulated"

_NAME = re.compile(
    r"(?P<venue>[a-z0-9][a-z0-9._-]{0,39})(:(?P<currency>[a-z0-9]{2,12}))?(@(?P<step>[1-9]\d{0,3}[mhdw]))?"
)
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Series:
    """One venue's quotes in one currency at one cadence. `currency` is empty where nobody knows it."""

    name: str
    venue: str
    currency: str
    interval_seconds: int = INTERVAL_SECONDS
    simulated: bool = False
    note: str = ""


def parse(name: str, note: str = "") -> Series:
    """The series called `name`, such as binance:usdt, simulated or aggregate:usd@1d.

    Raises PriceError if the name cannot be one.
    """
    match = _NAME.fullmatch(name.strip().lower())
    if not match:
        raise PriceError(
            f"{name[:60]!r} cannot name a series. Write venue:currency, such as binance:usdt or coinspot:aud."
        )
    step = match["step"] or "5m"
    seconds = int(step[:-1]) * _UNITS[step[-1]]
    return named(match["venue"], match["currency"] or "", seconds, note)


def named(venue: str, currency: str, interval_seconds: int = INTERVAL_SECONDS, note: str = "") -> Series:
    """The series of a venue, a currency ("" if unknown) and a cadence, under its one right name."""
    name = venue + (f":{currency}" if currency else "")
    if interval_seconds != INTERVAL_SECONDS:
        name += "@" + interval_text(interval_seconds)
    return Series(name, venue, currency, interval_seconds, venue == SIMULATED, note)


def interval_text(seconds: int) -> str:
    """A cadence as people write it: 300 -> 5m, 3600 -> 1h, 86400 -> 1d; 90 -> 90s."""
    for unit in ("d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds // _UNITS[unit]}{unit}"
    return f"{seconds}s"
