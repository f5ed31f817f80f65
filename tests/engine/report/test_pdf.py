"""report.pdf: compiles whatever people write, says the same as report.md, and looks the same each time."""

import io
import re
from typing import Any

import pypdf
import pytest

from engine.report import Result, glyphs, write_markdown, write_pdf
from engine.science import charts
from engine.science.charts import Chart
from tests.engine.report import examples
from tests.engine.report.test_charts import SOURCE, equity, walk


@pytest.fixture(scope="module")
def drawn() -> dict[str, Chart]:
    seasonality = charts.draw_seasonality(SOURCE, coin="btc", volatility_bps=walk(3)[:168].reshape(7, 24))
    return {"equity": equity(net=0.04, gross=0.94), "seasonality": seasonality}


def read(pdf: bytes) -> str:
    """The text of a PDF as one line, without the invisible breaks in long words."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return flat(" ".join(page.extract_text() for page in pages))


def flat(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\u200b", "").replace("\u202f", ""))


@pytest.mark.parametrize(
    "result",
    [
        examples.direction(),
        examples.direction("edge"),
        examples.volatility(),
        examples.eda(),
        examples.two_coins(),
    ],
    ids=lambda r: f"{r.kind}-{r.verdict.decision if r.verdict else ''}",
)
def test_the_pdf_says_what_the_markdown_says(result: Result, drawn: dict[str, Chart]) -> None:
    result = result.with_charts(drawn)
    text, markdown = read(write_pdf(result, drawn)), write_markdown(result)
    lines = [re.sub(r"\\(.)", r"\1", line) for line in markdown.splitlines() if not line.startswith("![")]
    words = {word for line in lines for word in re.findall(r"[^\W\d_]{4,}|\d[\d.,]*\d", line)}
    # Table rules and hyphenless breaks aside, every word and figure of the one is in the other.
    assert {word for word in words if word not in text} == set()


def test_the_first_page_stands_alone(drawn: dict[str, Chart]) -> None:
    result = examples.direction().with_charts(drawn)
    first = flat(pypdf.PdfReader(io.BytesIO(write_pdf(result, drawn))).pages[0].extract_text())
    for part in (
        "Verdict: no edge",
        "What we found",
        "Models beside baselines",
        "Buy and hold",
        "12 minutes old",
        "financial advice",
    ):
        assert flat(part) in first


def test_the_same_result_gives_the_same_bytes(drawn: dict[str, Chart]) -> None:
    result = examples.direction().with_charts(drawn)
    assert write_pdf(result, drawn) == write_pdf(result, drawn)


STRANGE = [
    "هل يرتفع البيتكوين؟ مرحبا",
    "BTCは上がりますか？日本語",
    "עולה או יורד 🚀👩‍👩‍👧 ✅",
    "Поднимется ли BTC? Ανεβαίνει;",
    "\u202egnp.exe\u2066 \u0000\u0007\x1b[31m\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "e\u0301" * 400,
    "W" * 5_000,
    "#eval(\"1\") #read(\"/etc/passwd\") $\\frac{$ @label <a> *b* _c_ `d` \\ [x] // y /* z",
    "",
    " \n\t ",
    "\U000e0041\U000e0042 \ufe0f\u200d\u200b",
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_no_text_can_fail_a_report(text: str, drawn: dict[str, Chart]) -> None:
    base = examples.direction()
    best = base.models[0].model_copy(update={"name": text or "M"})
    assert base.verdict is not None
    result = examples.direction(
        goal=text,
        models=(best, *base.models[1:]),
        verdict=base.verdict.model_copy(update={"best_model": best.name, "reason": text}),
        data=base.data.model_copy(
            update={"series": text, "venue": text, "currency": text, "hash": text, "notes": (text,)}
        ),
        stage_notes=(base.stage_notes[0].model_copy(update={"stage": text, "text": text * 20, "by": text}),),
        warnings=(base.warnings[0].model_copy(update={"text": text}),),
    ).with_charts(drawn)
    pages = pypdf.PdfReader(io.BytesIO(write_pdf(result, drawn))).pages
    assert 1 <= len(pages) <= 12
    assert "root:" not in " ".join(page.extract_text() for page in pages)


def test_a_word_without_end_stays_on_the_page(drawn: dict[str, Chart]) -> None:
    result = examples.direction(goal="W" * 3_000).with_charts(drawn)
    page = pypdf.PdfReader(io.BytesIO(write_pdf(result, drawn))).pages[0]
    title = [line.count("W") for line in page.extract_text().splitlines() if line.count("W") > 1]
    # 139 letters of 19 pt, each about its size wide: at most 26 fit between the margins.
    assert len(title) >= 6
    assert max(title) <= 26


def test_missing_letters_are_boxes_with_a_note_and_whole_in_the_markdown(drawn: dict[str, Chart]) -> None:
    result = examples.direction(goal="BTC 日本").with_charts(drawn)
    text = read(write_pdf(result, drawn))
    assert "BTC□□" in text
    assert flat("Some letters are not in the fonts of this file") in text
    assert "BTC 日本" in write_markdown(result)
    assert flat("Some letters are not") not in read(write_pdf(examples.direction(), {}))


def test_letters_of_several_scripts_are_set_whole() -> None:
    for text in ("Поднимется ли BTC?", "Ανεβαίνει;", "مرحبا", "שלום", "naïve café – 5 × 3 → 15"):
        assert glyphs.settable(text, limit=100) == text
        assert glyphs.is_whole(text)


def test_a_cut_never_strands_an_accent() -> None:
    cut = glyphs.settable("x" + "q\u0323\u0301" * 30, limit=20)
    assert cut.endswith("…")
    assert len(cut.replace("\u200b", "")) <= 20
    assert cut[-2] != "q" or cut[-2:] == "q…"


def test_simulated_prices_are_marked_on_every_page(drawn: dict[str, Chart]) -> None:
    base = examples.direction()
    result = examples.direction(data=base.data.model_copy(update={"simulated": True})).with_charts(drawn)
    pages = pypdf.PdfReader(io.BytesIO(write_pdf(result, drawn))).pages
    assert len(pages) >= 2
    assert all("Simulated prices, not a market" in page.extract_text() for page in pages)
    assert "These prices are simulated." in pages[0].extract_text()


def test_the_pdf_is_tagged_titled_and_every_picture_has_alt_text(drawn: dict[str, Chart]) -> None:
    result = examples.direction().with_charts(drawn)
    reader = pypdf.PdfReader(io.BytesIO(write_pdf(result, drawn)))
    assert reader.metadata is not None
    assert reader.metadata.title == result.goal
    catalogue: Any = reader.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "en"
    alts: list[str] = []

    def walk_tags(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, dict):
            if "/Alt" in node:
                alts.append(str(node["/Alt"]))
            walk_tags(node.get("/K", []))
        elif isinstance(node, list):
            for child in node:
                walk_tags(child)

    walk_tags(catalogue["/StructTreeRoot"])
    assert {chart.alt for chart in drawn.values()} <= set(alts)
