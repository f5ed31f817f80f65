"""report.md: the composed report as Markdown that any viewer renders."""

import re

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
from engine.report.result import Result
from engine.report.wording import SIMULATED

# Everything that could start a link, an image, HTML, a table cell or emphasis in text that is not ours.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")


def write_markdown(result: Result) -> str:
    """Write a result as Markdown; pictures are referred to as charts/<name>.png, text of others is escaped."""
    return render(compose(result))


def render(document: Document) -> str:
    """A composed report as Markdown."""
    parts = [
        f"# {escape(document.title)}",
        escape(document.subtitle),
        f"{document.run} · made {document.made_at}",
    ]
    parts += [_block(block) for block in document.blocks]
    if document.simulated:
        parts.append(f"**{SIMULATED}**")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text on one line, with every character that Markdown could read as markup escaped."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split("\n")).replace("\r", " "))
    line = re.sub(r"^(\s*)([-+=:]|\d+[.)])(?=\s|$)", lambda m: m[1] + m[2][:-1] + "\\" + m[2][-1], line)
    return re.sub(r"(?i)\b(https?|ftp)://", "\\1:\u200b//", line)  # no viewer turns it into a link


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"## {escape(block.text)}"
        case Paragraph(tone="alarm"):
            return f"**{escape(block.text)}**"
        case Paragraph():
            return escape(block.text)
        case Bullets():
            return "\n".join(
                f"- **{escape(term)}:** {escape(text)}" if term else f"- {escape(text)}"
                for term, text in block.items
            )
        case VerdictBox():
            facts = [f"- **{escape(figure)}** {escape(what)}" for figure, what in block.facts]
            lines = [f"## {escape(block.word)}", "", escape(block.sentence), *([""] if facts else []), *facts]
            return "\n".join(f"> {line}".rstrip() for line in lines)
        case Figure():
            picture = f"![{escape(block.alt)}](charts/{block.name}.png)"
            title = f"**{escape(block.title)}**\n\n" if block.title else ""
            return f"{title}{picture}\n\n{escape(block.caption)}"
        case Grid():
            return _grid(block)
        case Code():
            return "\n".join(f"    {line}" for line in block.text.splitlines())


def _grid(grid: Grid) -> str:
    head = "| " + " | ".join(escape(c) for c in grid.columns) + " |"
    rule = "| " + " | ".join("---:" if right else "---" for right in grid.right) + " |"
    rows = []
    for at, row in enumerate(grid.rows):
        cells = [escape(figure) + (f" ({escape(small)})" if small else "") for figure, small in row]
        if at == grid.marked:
            cells[0] = f"**{cells[0]}**"
        rows.append("| " + " | ".join(cells) + " |")
    table = "\n".join([head, rule, *rows])
    return f"{escape(grid.caption)}\n\n{table}" if grid.caption else table
