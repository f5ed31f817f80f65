"""The report as blocks in reading order; Markdown and PDF render the same ones, so their words agree."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Running text; lead stays with what follows, muted explains, alarm must not be missed."""

    text: str
    tone: Literal["plain", "lead", "muted", "alarm"] = "plain"
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list; a term, where there is one, is set apart from its text. A small one is for looking things up."""

    items: tuple[tuple[str, str], ...]  # (term or "", text)
    small: bool = False
    kind: Literal["bullets"] = "bullets"


@dataclass(frozen=True)
class VerdictBox:
    """The verdict: its word, one sentence, and up to four figures with what they are."""

    decision: str
    word: str
    sentence: str
    facts: tuple[tuple[str, str], ...]  # (figure, what it is)
    kind: Literal["verdict"] = "verdict"


@dataclass(frozen=True)
class Figure:
    """A chart by its name; pictures are looked up by the renderer."""

    name: str
    title: str
    caption: str
    alt: str
    wide: bool
    kind: Literal["figure"] = "figure"


@dataclass(frozen=True)
class Grid:
    """A table of text; a cell is (figure, small print beside it). `marked` is the row spoken of."""

    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str], ...], ...]
    right: tuple[bool, ...]  # which columns are aligned right
    marked: int | None = None
    rule_before: int | None = None
    caption: str = ""
    kind: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Code:
    """Commands or identifiers, in a fixed-width face."""

    text: str
    kind: Literal["code"] = "code"


Block = Heading | Paragraph | Bullets | VerdictBox | Figure | Grid | Code


@dataclass(frozen=True)
class Document:
    """A composed report. `language` is the language of its words."""

    title: str
    subtitle: str
    run: str
    made_at: str
    simulated: bool
    blocks: tuple[Block, ...]
    language: str = "en"
