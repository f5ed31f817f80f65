"""From a painter to a `Chart`: the same painting as PNG for the chat and as SVG for the report."""

import io
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from engine.science.charts import style
from engine.science.charts.canvas import Canvas
from engine.science.charts.source import SIMULATED, Chart, Source
from engine.science.charts.style import CHAT, FULL, HALF, Size


def render(
    name: str,
    source: Source,
    *,
    title: str,
    subtitle: str,
    alt: str,
    paint: Callable[[Canvas], None],
    wide: bool = False,
    height: float | None = None,
) -> Chart:
    """Paint a chart for the chat (PNG) and the report (SVG); `height` is the latter's, in inches."""
    title, subtitle = style.legible(title), style.legible(subtitle)
    alt = style.legible((f"{SIMULATED}. " if source.simulated else "") + alt, limit=900)
    print_size = FULL if wide else HALF
    if height is not None:
        print_size = Size(
            print_size.name, print_size.width, height, print_size.base, print_size.line, framed=False
        )
    with mpl.rc_context(style.settings()):
        chat = Canvas(CHAT, title, subtitle, source)
        paint(chat)
        page = Canvas(print_size, title, subtitle, source)
        paint(page)
        return Chart(name, title, subtitle, alt, _png(chat.figure), _svg(page.figure), wide)


def _png(figure: Figure) -> bytes:
    drawn, out = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="rgba")
    size = (round(figure.get_figwidth() * style.DPI), round(figure.get_figheight() * style.DPI))
    Image.frombuffer("RGBA", size, drawn.getvalue(), "raw", "RGBA", 0, 1).convert("RGB").save(
        out, format="PNG", compress_level=6
    )
    return out.getvalue()


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return out.getvalue()
