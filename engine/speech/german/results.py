"""German for what a result says: the verdict's sentences, the findings, their tables."""

from typing import Final

RESULTS: Final[dict[str, str]] = {
    "less than a minute": "weniger als eine Minute",
}
