"""How a text table is written: its encoding, delimiter, comments and header rows, told by its first lines."""

import codecs
import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import IO

import pyarrow as pa

from storage.importing import columns, numbers, stamps
from storage.importing.errors import FileRefused
from storage.importing.files import Limits, Source

_SAMPLE_LINES = 200
_NOTHING = " \t\ufeff,;|"
_COMMENTS = ("#", "//", "%", "--", ";;", "'", "!", "/*")
_DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x1f", "\x01", "§", "¦", ":", "&", "!", "/", "_", " ")
# Tried in turn when a file is not UTF-8; the one in which its header makes sense wins, else the first.
_LEGACY = ("cp1252", "cp1251", "gb18030", "shift_jis", "cp949", "big5", "cp1253", "cp1254")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")  # as the reading of the whole file divides them
# What is full of a sign without being divided by it: clocks, dates, addresses.
_NOT_DIVIDED = {":": re.compile(r"[T ]\d{1,2}:\d\d|\w\"?: ?[\"{\[]|//"), "/": re.compile(r"\d/\d{1,2}/\d|//")}
_WHOLE_LINE = re.compile(r'"(?:[^"]|"")*"\s*$')


@dataclass(frozen=True)
class Shape:
    """What the first lines show: how the file is written and where its data begin."""

    encoding: str
    delimiter: str
    width: int
    header_rows: list[list[str]]
    remarks: list[str]
    first_line: int  # the line of the first data row
    quoted_lines: bool = False  # each line stands in quotation marks as a whole


def recognise(source: Source, limits: Limits) -> Shape:
    """The shape that the first lines of a source show. Raises FileRefused if they show no table of prices."""
    with source.open() as stream:
        head = _head(stream, limits)
    proven = _encoding(head)
    encodings = [proven] if proven else list(_LEGACY)
    best: Shape | None = None
    lines: list[str] = []
    for encoding in encodings:
        try:
            lines = _sample(head, encoding, limits)
        except UnicodeDecodeError:
            continue
        shape = _shape(lines, encoding)
        if shape and (best is None or _understood(shape) > _understood(best)):
            best = shape
    if best is None:
        filled = [line for line in lines if line.strip()]
        if any(columns.understood([[cell] for cell in _split(line, ",")]) >= 3 for line in filled[-1:]):
            raise FileRefused("It has a header but no rows: export or download it again.")
        _require_readable_times(filled)
        raise FileRefused(
            "No prices are found in it: a table needs a column of times (2023-06-01 00:05, Unix seconds) and a column "
            "of prices on each line."
        )
    return best


def _require_readable_times(lines: list[str]) -> None:
    """Raise FileRefused, with an example, if there is a header that promises times above what are none."""
    for delimiter in _DELIMITERS[:4]:
        for line, below in itertools.pairwise(lines[:20]):
            names, cells = _split(line, delimiter), _split(below, delimiter)
            times = [at for at, name in enumerate(names) if columns.is_time([name])]
            if times and len(cells) == len(names) and columns.understood([[name] for name in names]) >= 2:
                at = times[0]
                raise FileRefused(
                    f"The times in {names[at].strip()[:24]!r} cannot be read (such as {cells[at].strip()[:32]!r}): write "
                    "them with their date, as 2023-06-01T00:05Z or Unix seconds."
                )


def _head(stream: IO[bytes], limits: Limits) -> bytes:
    head = bytearray()
    while len(head) < 4 * limits.line_chars and (more := stream.read(1 << 16)):
        head += more
    return bytes(head)


def _encoding(head: bytes) -> str | None:
    """The encoding that marks, zero bytes or validity prove; None if it is one of the legacy ones."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    if b"\0" in head:
        even, odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
        if odd > 400 > 10 * even or (odd and not even and odd * 3 > len(head[1:2000:2])):
            return "utf-16-le"
        if even and not odd and even * 3 > len(head[0:2000:2]):
            return "utf-16-be"
        raise FileRefused("It holds zero bytes, so it is no text table: export it as CSV or Parquet again.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _sample(head: bytes, encoding: str, limits: Limits) -> list[str]:
    text = codecs.getincrementaldecoder(encoding)().decode(head)
    lines = _LINE_ENDS.split(text)
    if len(head) >= 4 * limits.line_chars and len(lines) > 1:
        lines.pop()  # cut by the end of the sample
    if any(len(line) > limits.line_chars for line in lines):
        raise line_too_long(limits)
    return lines[:_SAMPLE_LINES]


def _shape(lines: list[str], encoding: str) -> Shape | None:
    filled = [line for line in lines if line.strip()]
    if filled and sum(1 for line in filled if _WHOLE_LINE.match(line)) > 0.9 * len(filled):
        inside = _shape([unquoted(line) for line in lines], encoding)
        return replace(inside, quoted_lines=True) if inside else None
    best: tuple[float, Shape] | None = None
    for delimiter in _DELIMITERS:
        trap = _NOT_DIVIDED.get(delimiter)
        if not any(delimiter in line and not (trap and trap.search(line)) for line in lines):
            continue
        found = _shape_with(lines, encoding, delimiter)
        if found and (best is None or found[0] > best[0]):
            best = found
    return best[1] if best else None


def _shape_with(lines: list[str], encoding: str, delimiter: str) -> tuple[float, Shape] | None:
    """The shape under one delimiter and how well it fits: the share of lines that are a time and numbers."""
    rows = [_split(line, delimiter) for line in lines]
    flat = pa.array([cell for row in rows for cell in row], pa.string())
    times, values = stamps.readable(flat).tolist(), numbers.readable(flat).tolist()
    is_data, clean, at = [], [], 0
    for row in rows:
        here = slice(at, at + len(row))
        at += len(row)
        is_data.append(_is_data(row, times[here], values[here]))
        clean.append(sum(t or v for t, v in zip(times[here], values[here], strict=True)))
    widths = Counter(len(row) for row, good in zip(rows, is_data, strict=True) if good)
    if not widths:
        return None
    width, _ = widths.most_common(1)[0]
    data = [at for at, row in enumerate(rows) if is_data[at] and len(row) == width]
    first = data[0]
    headers: list[list[str]] = []
    at = first - 1
    while at >= 0 and len(headers) < 3:
        if lines[at].strip(_NOTHING):
            if not width - 1 <= len(rows[at]) <= width or is_comment(lines[at]):
                break
            headers.insert(0, _widened(rows[at], rows[first], width))
        at -= 1
    _fill_merged(headers)
    remarks = [line.strip() for line in lines[: at + 1] if line.strip()]
    if not headers and remarks:
        above = _split(re.sub(r"^\W+", "", remarks[-1]), delimiter)
        if len(above) == width and columns.understood([[cell] for cell in above]) >= 2:
            headers = [above]
    known = columns.understood([list(texts) for texts in zip(*headers, strict=True)]) if headers else 0
    share = sum(clean[at] for at in data) / (width * len(data))
    score = known + 4 * share + 2 * len(data) / (len(lines) - first)
    return score, Shape(encoding, delimiter, width, headers, remarks, first + 1)


def _fill_merged(headers: list[list[str]]) -> None:
    """Repeat a name over the columns it was merged across: BTC,, above close,volume."""
    for row, below in itertools.pairwise(headers):
        for at in range(1, len(row)):
            if not row[at].strip() and below[at].strip() and not columns.is_time([row[at - 1]]):
                row[at] = row[at - 1]


def _widened(header: list[str], row: list[str], width: int) -> list[str]:
    """A header for `width` columns. The name it is short of belongs to a saved index, or to a clock after a date."""
    if len(header) == width:
        return header
    if columns.is_time([header[0]]) and len(row) > 1:
        if re.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2})?(\.\d+)?\s*", row[1]):
            return [header[0], "time of day", *header[1:]]
        first, second = stamps.readable(pa.array(row[:2])).tolist()
        if second and not first:
            return ["", *header]
    return [*header, ""]


def unquoted(line: str) -> str:
    """What stands in a line that is in quotation marks as a whole."""
    return line.strip()[1:-1].replace('""', '"') if _WHOLE_LINE.match(line) else line


def _is_data(row: list[str], times: list[bool], values: list[bool]) -> bool:
    """A time (or a date and a clock) and, beside it, at least one number that is not that time."""
    if len(row) < 2 or not any(times):
        return False
    first = times.index(True)
    return any(good and at != first and row[at].strip() for at, good in enumerate(values))


def _understood(shape: Shape) -> int:
    if not shape.header_rows:
        return 0
    return columns.understood([list(texts) for texts in zip(*shape.header_rows, strict=True)])


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=delimiter == " "), [])
    except csv.Error:
        return []


def is_comment(line: str) -> bool:
    """Whether a line begins as comments do."""
    return line.lstrip().startswith(_COMMENTS)


def line_too_long(limits: Limits) -> FileRefused:
    """The refusal of a line that no table of prices has."""
    return FileRefused(f"A line is longer than {limits.line_chars:,} characters: this is no table of prices.")
