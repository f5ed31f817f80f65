"""The sentences of a result: verdict line, reasons, limits. Every figure comes from the result."""

from engine.report.wording.limits import limits
from engine.report.wording.phrases import (
    ADVICE,
    SIMULATED,
    capital,
    data_age,
    horizon_words,
    made_or_lost,
    subject,
)
from engine.report.wording.reasons import bullets
from engine.report.wording.verdicts import WORDS, headline, lead, verdict_line, verdict_word

__all__ = [
    "ADVICE",
    "SIMULATED",
    "WORDS",
    "bullets",
    "capital",
    "data_age",
    "headline",
    "horizon_words",
    "lead",
    "limits",
    "made_or_lost",
    "subject",
    "verdict_line",
    "verdict_word",
]
