"""Files and archives: what a path holds, opened as byte streams that stop at a limit.

Nothing is ever unpacked to disk, and no name inside an archive is used as a path.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from storage.importing.errors import FileRefused


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Bytes are counted after unpacking."""

    bytes: int = 4 << 30
    ratio: int = 200  # real prices pack about 10:1
    ratio_from_bytes: int = 64 << 20
    line_chars: int = 64 << 10
    members: int = 500
    rows: int = 20_000_000
    json_bytes: int = 256 << 20  # a JSON document has to be held as a whole


@dataclass(frozen=True)
class Source:
    """One table's bytes: a file or a member of an archive. `open` may be called again for another pass."""

    name: str
    kind: str  # text | json | parquet | arrow
    open: Callable[[], IO[bytes]]


# What a file that is no table of prices begins with, and what to say of it.
_OTHER_KINDS = (
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file: save the sheet as CSV"),
    (b"SQLite format 3\0", "an SQLite database: export the table as CSV"),
    (b"%PDF", "a PDF document: prices come as CSV, Parquet or JSON Lines"),
    (b"\x89PNG", "a picture: prices come as CSV, Parquet or JSON Lines"),
    (b"\xff\xd8\xff", "a picture: prices come as CSV, Parquet or JSON Lines"),
    (b"GIF8", "a picture: prices come as CSV, Parquet or JSON Lines"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd: unpack it first"),
    (b"\x7fELF", "a program, not a table of prices"),
    (b"\x89HDF", "an HDF5 file: export the table as Parquet or CSV"),
    (b"\x80\x04\x95", "a Python pickle, which is never opened: export it as Parquet or CSV"),
    (b"\x80\x05\x95", "a Python pickle, which is never opened: export it as Parquet or CSV"),
)
_NOT_TABLES = ("readme", "license", "licence", "checksum", "copying", "__macosx", ".ds_store")
_SIDE_FILES = (".checksum", ".md5", ".sha1", ".sha256", ".sha512", ".asc", ".sig", ".md")


def sources(path: Path, limits: Limits) -> Iterator[Source]:
    """The tables at `path`: the file itself, unpacked if need be, or the members of a zip archive.

    Raises FileRefused, in one sentence, for what cannot be a table of prices.
    """
    _require_regular(path)
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise FileRefused("The file is empty (0 bytes): export or download it again.")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _members(path, limits)
        return
    packed = _unpacker(head)
    if packed is None:
        yield _source(path.name, lambda: _Metered(path.open("rb"), limits, 0))
    else:

        def unpacked() -> IO[bytes]:
            raw = path.open("rb")
            return _Metered(packed(raw), limits, size, raw)

        _drain(path.name, unpacked)
        yield _source(path.stem, unpacked)


@contextmanager
def reading(source_name: str) -> Iterator[None]:
    """Turn what the unpackers raise about damaged files into a refusal."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise FileRefused(
            f"{source_name} is cut off or damaged ({str(error)[:80]}): download or pack it again."
        ) from error
    except OSError as error:
        raise FileRefused(f"{source_name} cannot be read: {error.strerror or error}.") from error


def _require_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise FileRefused("There is no such file.") from error
    except (OSError, ValueError) as error:
        raise FileRefused(
            f"The file cannot be opened: {getattr(error, 'strerror', None) or error}."
        ) from error
    if stat.S_ISDIR(mode):
        raise FileRefused("This is a folder: name the files in it.")
    if not stat.S_ISREG(mode):
        raise FileRefused("This is no ordinary file.")
    try:
        path.open("rb").close()
    except OSError as error:
        raise FileRefused(f"The file cannot be opened: {error.strerror}.") from error


def _unpacker(head: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    if head.startswith(b"\x1f\x8b"):
        return lambda stream: cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb"))
    if head.startswith(b"BZh"):
        return lambda stream: bz2.BZ2File(stream)
    if head.startswith(b"\xfd7zXZ\0"):
        return lambda stream: lzma.LZMAFile(stream)
    return None


def _members(path: Path, limits: Limits) -> Iterator[Source]:
    with reading(path.name):
        archive = zipfile.ZipFile(path)
    with archive:
        yield from _tables_in(archive, limits)


def _tables_in(archive: zipfile.ZipFile, limits: Limits) -> Iterator[Source]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    names = {info.filename for info in infos}
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        raise FileRefused("This is an Excel workbook or Office document: save the sheet as CSV.")
    if {"mimetype", "content.xml"} <= names:
        raise FileRefused("This is an OpenDocument spreadsheet or text: save the sheet as CSV.")
    if len(infos) > limits.members:
        raise FileRefused(f"The archive holds {len(infos)} files; at most {limits.members} are read at once.")
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        if ".." in parts or info.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise FileRefused(
                f"The archive holds a file whose name leads out of it ({info.filename[:60]!r}): it is not opened."
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise FileRefused(f"The archive holds a link ({info.filename[:60]!r}): it is not opened.")
        if info.flag_bits & 1:
            raise FileRefused("The archive has a password: unpack it first.")
    tables = [info for info in infos if not info.filename.lower().rpartition("/")[2].startswith(_NOT_TABLES)]
    tables = [info for info in tables if not info.filename.lower().startswith("__macosx")]
    tables = [info for info in tables if not info.filename.lower().endswith(_SIDE_FILES)]
    if not tables:
        raise FileRefused("The archive holds no files of prices.")
    # One budget for all members: a bomb may be cut into many pieces.
    if sum(info.file_size for info in tables) > limits.bytes:
        raise _too_large(limits)
    for info in tables:
        if info.file_size > max(limits.ratio_from_bytes, limits.ratio * info.compress_size):
            raise _bomb()
        yield _member(archive, info, limits)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> Source:
    name = info.filename.replace("\\", "/").rpartition("/")[2]

    def raw() -> IO[bytes]:
        return _Metered(archive.open(info), limits, info.compress_size)

    with reading(name), raw() as stream:
        head = stream.read(8)
    if head.startswith(b"PK\x03\x04"):
        raise FileRefused(f"{name} is an archive inside the archive: unpack it first.")
    packed = _unpacker(head)
    if packed is None:
        return _source(name, raw)

    def unpacked() -> IO[bytes]:
        inner = raw()
        return _Metered(packed(inner), limits, info.compress_size, inner)

    _drain(name, unpacked)
    return _source(name.rpartition(".")[0], unpacked)


def _drain(name: str, open_stream: Callable[[], IO[bytes]]) -> None:
    """Unpack once to nowhere: a bomb, or a file that is cut off, is found before its rows are read."""
    with reading(name), open_stream() as stream:
        while stream.read(1 << 20):
            pass


def _source(name: str, open_stream: Callable[[], IO[bytes]]) -> Source:
    with reading(name), open_stream() as stream:
        head = stream.read(4096)
    return Source(name, _kind(head), open_stream)


def _kind(head: bytes) -> str:
    if not head:
        raise FileRefused("The file is empty (0 bytes): export or download it again.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")):
        return "arrow"
    for magic, what in _OTHER_KINDS:
        if head.startswith(magic):
            raise FileRefused(f"This is {what}.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "replace").encode()
    if head[257:262] == b"ustar":
        raise FileRefused("This is a tar archive: unpack it first.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    # Trading programs write their headers as <DATE>,<OPEN>.
    if text[:1] == b"<" and not re.match(rb"<[A-Za-z ]{1,12}>\s*[,;|\t]\s*<", text):
        raise FileRefused(
            "This is a web page or XML, not a table of prices: look into it, then download again."
        )
    return "json" if text[:1] in (b"{", b"[") else "text"


def _too_large(limits: Limits) -> FileRefused:
    return FileRefused(
        f"Unpacked, the file is larger than {limits.bytes / (1 << 30):g} GB: split it into smaller files."
    )


def _bomb() -> FileRefused:
    return FileRefused("The file unpacks to far more than prices do (a bomb): it is not opened.")


class _Metered(io.RawIOBase, IO[bytes]):
    """A stream that counts what comes out of it and stops at the limits. `packed` is 0 for plain files.

    `below` is the stream an unpacker reads from: unpackers do not close it.
    """

    def __init__(
        self, stream: IO[bytes], limits: Limits, packed: int, below: IO[bytes] | None = None
    ) -> None:
        self._stream, self._limits, self._packed, self._below = stream, limits, packed, below
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(min(len(buffer), 1 << 20))
        self._count += len(data)
        if self._count > self._limits.bytes:
            raise _too_large(self._limits)
        bomb = self._packed and self._count > max(
            self._limits.ratio_from_bytes, self._limits.ratio * self._packed
        )
        if bomb:
            raise _bomb()
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        if self._below is not None:
            self._below.close()
        super().close()
