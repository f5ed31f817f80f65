"""Pictures from a run: taken apart, checked, and put together from their needed parts."""

import io
import struct

import pytest
from PIL import Image

from sandbox.pictures import BadPicture, rebuild
from tests.sandbox.trial import make_png, png_chunk


def test_a_picture_keeps_its_content_and_loses_its_extras() -> None:
    plain = make_png(20, 10)
    told = make_png(20, 10, extra=png_chunk(b"tEXt", b"Comment\0secret") + png_chunk(b"iCCP", b"x" * 50))
    rebuilt, width, height = rebuild(told + b"something after the end")
    assert (rebuilt, width, height) == (plain, 20, 10)
    assert Image.open(io.BytesIO(rebuilt)).size == (20, 10)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no PNG"),
        (b"GIF89a", "no PNG"),
        (make_png(20, 10)[:-20], "ends too early"),
        (make_png(20, 10).replace(b"\x00\x00\x00\x14", b"\x00\x00\x00\x15", 1), "damaged"),
        (
            make_png(1, 1)[:8] + png_chunk(b"IHDR", struct.pack("!IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)),
            "60000 x 60000",
        ),
        (make_png(1, 1)[:8] + png_chunk(b"IEND", b""), "header is not at its beginning"),
        (make_png(1, 1, extra=png_chunk(b"XXXX", b"")), "not in the standard"),
        (make_png(0, 1), "not a size"),
        (make_png(1, 1, extra=png_chunk(b"tEXt", b"") * 5_000), "more than 4,000 parts"),
    ],
)
def test_what_is_no_fit_picture_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(BadPicture, match=why):
        rebuild(data)
