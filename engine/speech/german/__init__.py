"""German: what the engine says, and how German writes numbers, dates and plurals."""

from typing import Final

from engine.speech.german.findings import FINDINGS
from engine.speech.german.goals import GOALS
from engine.speech.german.results import RESULTS
from engine.speech.german.running import RUNNING
from engine.speech.german.verdicts import VERDICTS
from engine.speech.language import Language

NOUNS: Final = {
    "bar": ("Kerze", "Kerzen"),
    "crossed quote": ("gekreuzter Kurs", "gekreuzte Kurse"),
    "day": ("Tag", "Tage"),
    "duplicate": ("Doppel", "Doppel"),
    "hour": ("Stunde", "Stunden"),
    "minute": ("Minute", "Minuten"),
    "model": ("Modell", "Modelle"),
    "rule": ("Regel", "Regeln"),
    "spike": ("Ausreißer", "Ausreißer"),
    "week": ("Woche", "Wochen"),
    "year": ("Jahr", "Jahre"),
}

GERMAN: Final = Language(
    sentences={**GOALS, **RUNNING, **VERDICTS, **RESULTS, **FINDINGS},
    nouns=NOUNS,
    figures=str.maketrans({",": ".", ".": ","}),
    months=("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sep.", "Okt.", "Nov.", "Dez."),
    day="{day}. {month}",
    minute="%d.%m.%Y %H:%M",
    date="%d.%m.%Y",
)
