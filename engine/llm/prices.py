"""What models cost, in US dollars per million tokens read and written.

The list has the makers' list prices as published up to LISTED_AT, for requests of usual length and without discounts
for caches or batches. Prices change, so LLM_PRICES comes first. A model that no table names has no price: it is held
to the limits in tokens alone.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LISTED_AT = "2026-09"
LISTED: Mapping[str, tuple[float, float]] = {
    "gpt-5.5": (5.0, 30.0),
    "gpt-5.4": (2.50, 15.0),
    "gpt-5.4-mini": (0.75, 4.50),
    "gpt-5.4-nano": (0.20, 1.25),
    "gpt-5.2": (1.75, 14.0),
    "gpt-5.1": (1.25, 10.0),
    "gpt-5": (1.25, 10.0),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5-nano": (0.05, 0.40),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4.1-mini": (0.40, 1.60),
    "gpt-4.1-nano": (0.10, 0.40),
    "gpt-4o": (2.50, 10.0),
    "gpt-4o-mini": (0.15, 0.60),
    "gpt-4-turbo": (10.0, 30.0),
    "o3": (2.0, 8.0),
    "o3-mini": (1.10, 4.40),
    "o4-mini": (1.10, 4.40),
    "claude-opus-4-0": (15.0, 75.0),
    "claude-opus-4-1": (15.0, 75.0),
    "claude-opus-4-5": (5.0, 25.0),
    "claude-opus-4-6": (5.0, 25.0),
    "claude-opus-4-7": (5.0, 25.0),
    "claude-sonnet-4": (3.0, 15.0),
    "claude-sonnet-5": (2.0, 10.0),
    "claude-haiku-4-5": (1.0, 5.0),
    "claude-3-5-haiku": (0.80, 4.0),
}
# What may follow a listed name: a date or a version, not the name of another model.
_DATED = re.compile(r"-(?:latest|\d{8}|\d{4}-\d{2}-\d{2}|\d{4}|\d{1,2})")


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens. `known` is False for a model that no table names."""

    input_usd: float
    output_usd: float
    known: bool = True

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """What a call costs, in dollars."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1e6


@dataclass(frozen=True)
class PriceTable:
    """Prices by model; `own` comes before the list."""

    own: Mapping[str, tuple[float, float]]
    free_if_unknown: bool = False

    def find(self, model: str) -> Price:
        """The price of a model; a dated name has that of the name without its date.

        A model nobody names costs nothing on somebody's own server; elsewhere its price is not known.
        """
        for table in (self.own, LISTED):
            names = [name for name in table if model == name or _is_dated(model, name)]
            if names:
                return Price(*table[max(names, key=len)])
        return Price(0.0, 0.0, known=self.free_if_unknown)


def _is_dated(model: str, name: str) -> bool:
    return model.startswith(name) and _DATED.fullmatch(model[len(name) :]) is not None


def parse_prices(written: str) -> dict[str, tuple[float, float]]:
    """LLM_PRICES: `model=in/out,model=in/out`, or the path of a TOML file of `model = [in, out]`.

    Raises ValueError, saying what is wrong.
    """
    if not written.strip():
        return {}
    if "=" not in written:
        try:
            read = tomllib.loads(Path(written).expanduser().read_text())
        except OSError as error:
            raise ValueError(f"the price table {written!r} cannot be read: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"the price table {written!r} is no TOML: {error}") from error
        pairs = [(name, value) for name, value in read.items()]
    else:
        parts = [part.partition("=") for part in written.split(",") if part.strip()]
        pairs = [(name, price.split("/")) for name, _, price in parts]
    prices = {}
    for name, value in pairs:
        try:
            read_usd, written_usd = (float(number) for number in value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"the price of {name.strip()!r} must be two numbers, dollars per million tokens read and written"
            ) from error
        if not (0 <= read_usd < 1e6 and 0 <= written_usd < 1e6):
            raise ValueError(f"the price of {name.strip()!r} is out of range")
        prices[name.strip()] = (read_usd, written_usd)
    return prices
