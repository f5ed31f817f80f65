"""report.pdf: the composed report set by typst, readable by screen readers (PDF/UA), the same bytes each time."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typst

from engine.report import widths, wording
from engine.report.composition import compose
from engine.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Figure,
    Grid,
    Heading,
    Paragraph,
    VerdictBox,
)
from engine.report.glyphs import FOLDERS, is_whole, settable
from engine.report.result import Result
from engine.science.charts import Chart
from engine.science.charts.source import SIMULATED

TEMPLATE: Final = Path(__file__).with_name("report.typ")
TITLE, SENTENCE, TEXT, CELL, SMALL, CAPTION, ALT = 140, 500, 700, 40, 24, 400, 900
ROWS: Final = 200  # of a table; report.md has them all


def write_pdf(result: Result, charts: Mapping[str, Chart]) -> bytes:
    """Set a result as a tagged A4 PDF. A chart whose picture is not in `charts` is left out; report.md names it.

    Characters that no font has are shown as "□" with a note, so that no text can fail a report.
    """
    document = compose(result)
    data = {
        "title": settable(document.title, limit=TITLE) or "Report",
        "subtitle": settable(document.subtitle, limit=CAPTION),
        "run": settable(document.run, limit=SMALL),
        "made_at": document.made_at,
        "language": document.language,
        "simulated": document.simulated,
        "band": SIMULATED,
        "footer": wording.ADVICE,
        "blocks": list(_paired(_blocks(document, charts))),
    }
    compiled = typst.compile(
        TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=list(FOLDERS),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        pdf_standards=["ua-1"],
        timestamp=int(result.made_at.timestamp()),
    )
    if not isinstance(compiled, bytes):
        raise TypeError("typst returned several files for one report")
    return compiled


def _blocks(document: Document, charts: Mapping[str, Chart]) -> Iterator[dict[str, Any]]:
    if not all(is_whole(text) for text in _texts(document)):
        note = "Some letters are not in the fonts of this file and are shown as □; report.md has them whole."
        yield {"kind": "paragraph", "tone": "muted", "text": note}
    for block in document.blocks:
        chart = charts.get(block.name) if isinstance(block, Figure) else None
        if isinstance(block, Figure) and (chart is None or chart.svg is None):
            continue
        yield _set(block) | ({"svg": chart.svg} if chart else {})


def _set(block: Block) -> dict[str, Any]:
    """A block as plain data with every string settable. An empty heading or alt text would fail PDF/UA."""
    match block:
        case Heading():
            return {"kind": block.kind, "text": settable(block.text, limit=TITLE) or "Notes"}
        case Paragraph():
            return asdict(block) | {"text": settable(block.text, limit=TEXT)}
        case Bullets():
            items = [[settable(term, limit=TITLE), settable(text, limit=TEXT)] for term, text in block.items]
            return {"kind": block.kind, "items": items, "small": block.small}
        case VerdictBox():
            facts = [
                [settable(figure, limit=CELL), settable(what, limit=CAPTION)] for figure, what in block.facts
            ]
            return asdict(block) | {"sentence": settable(block.sentence, limit=SENTENCE), "facts": facts}
        case Figure():
            words = {
                "title": settable(block.title, limit=TITLE),
                "caption": settable(block.caption, limit=CAPTION),
            }
            return asdict(block) | words | {"alt": settable(block.alt, limit=ALT) or block.name}
        case Grid():
            rows = [
                [[settable(a, limit=CELL), settable(b, limit=SMALL)] for a, b in row]
                for row in block.rows[:ROWS]
            ]
            columns = [settable(c, limit=CELL) for c in block.columns]
            return asdict(block) | {
                "rows": rows,
                "columns": columns,
                "widths": widths.of_columns(columns, rows),
                "caption": settable(block.caption, limit=CAPTION),
            }
        case Code():
            return {
                "kind": block.kind,
                "lines": [settable(line, limit=TEXT) for line in block.text.splitlines()],
            }


def _paired(blocks: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Narrow figures two in a row; within a run of figures a later narrow one may move up to fill the row.

    One that stays alone has its words beside it.
    """
    for is_figure, run in itertools.groupby(blocks, key=lambda block: block["kind"] == "figure"):
        waiting = list(run)
        while waiting:
            block = waiting.pop(0)
            if not is_figure or block["wide"]:
                yield block
                continue
            partner = next((other for other in waiting if not other["wide"]), None)
            if partner is not None:
                waiting.remove(partner)
                yield {"kind": "pair", "figures": [block, partner]}
            else:
                yield block | {"kind": "beside"}


def _texts(document: Document) -> Iterator[str]:
    """Every string that was written by somebody else or may carry unusual letters."""
    yield from (document.title, document.subtitle)
    for block in document.blocks:
        match block:
            case Heading() | Paragraph() | Code():
                yield block.text
            case Bullets():
                yield from (text for item in block.items for text in item)
            case Figure():
                yield from (block.title, block.caption)
            case VerdictBox():
                yield block.sentence
            case Grid():
                yield from (text for row in block.rows for pair in row for text in pair)
