"""Questions that nobody answers: the recommended choice is taken, and thread and report say so."""

import re
from pathlib import Path

import pypdf

from tests.acceptance.house import House


def text_of(pdf: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(pdf).pages).split())


def test_a_question_that_runs_out_is_settled_by_the_recommended_choice_and_the_report_says_so(
    house: House, tmp_path: Path
) -> None:
    house.dismiss_workers()
    house.env = {**house.env, "OMC_QUESTION_HOURS": "0.002"}
    said = house.begin("analyze", "analyse btc, last 20 days", tty=True)  # and nobody types an answer
    said.hears("What would you like to know about BTC")
    said.hears("Nobody answered in time; going on with “up or down”.")
    said.hears("Verdict: ")
    assert said.ends() == 0
    run = re.findall(r"R-\d+", said.text)[0]
    assert house.kinds(run).count("question") == 1
    assert house.omc("results", run, "--out", str(tmp_path)).status == 0
    note = "Nobody answered in time: “What would you like to know about BTC"
    assert note in (tmp_path / "report.md").read_text().replace("\n", " ")
    assert "went on with “up or down”" in (tmp_path / "report.md").read_text().replace("\n", " ")
    assert note in text_of(tmp_path / "report.pdf")
