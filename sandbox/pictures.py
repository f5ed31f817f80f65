"""PNG files that came out of a run: checked without decoding, and put together again from their needed parts only.

The format is the W3C's "Portable Network Graphics Specification": a signature, then chunks of length, type, data and
CRC. What a decoder does not need (text, profiles, unknown chunks, anything after the end) is left behind.
"""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_SIDE = 6_000
MOST_PIXELS = 16_000_000
MOST_CHUNKS = 4_000
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND")
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


class BadPicture(Exception):
    """Not a PNG that may be shown; the text says why."""


def rebuild(data: bytes) -> tuple[bytes, int, int]:
    """The same picture without its extras, its width and height. Raises BadPicture."""
    if not data.startswith(SIGNATURE):
        raise BadPicture("it is no PNG file")
    kept = [SIGNATURE]
    seen: list[bytes] = []
    place = len(SIGNATURE)
    size = (0, 0)
    while not seen or seen[-1] != b"IEND":
        if len(seen) == MOST_CHUNKS:
            raise BadPicture(f"it is in more than {MOST_CHUNKS:,} parts")
        if place + 12 > len(data):
            raise BadPicture("it ends too early")
        length, kind = struct.unpack_from("!I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            raise BadPicture("it ends too early")
        body = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from("!I", data, end - 4)
        if zlib.crc32(kind + body) != checksum:
            raise BadPicture("it is damaged")
        if (kind == b"IHDR") != (not seen):
            raise BadPicture("its header is not at its beginning")
        if kind == b"IHDR":
            size = _size(body)
        if kind in _KEPT:
            kept.append(data[place:end])
        elif not kind[0] & 0x20:
            raise BadPicture("it needs a decoder for parts that are not in the standard")
        seen.append(kind)
        place = end
    if b"IDAT" not in seen:
        raise BadPicture("it has no content")
    return b"".join(kept), *size


def _size(header: bytes) -> tuple[int, int]:
    if len(header) != 13:
        raise BadPicture("its header is of the wrong length")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack("!IIBBBBB", header)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise BadPicture("its header is not in the standard")
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS):
        raise BadPicture(f"{width} x {height} pixels is not a size that can be shown")
    return width, height
