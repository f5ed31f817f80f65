"""German."""
from engine.speech.language import Language

GERMAN = Language()
