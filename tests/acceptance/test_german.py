"""A whole run for somebody who reads German: nothing of the thread is left in English."""

import re
from pathlib import Path

from tests.acceptance.house import House

# Words that no German sentence of ours has, and hardly an English one does without.
ENGLISH = re.compile(
    r"\b(the|of|and|with|is|are|not|no|than|from|which|after|before|costs|bars|features|prices|run|running|done|"
    r"answer|report|verdict|result|ahead|days?|hours?|minutes|rules?|tried|luck|written|cases)\b",
    re.IGNORECASE,
)
# What keeps its name in every language: models, files, commands.
NAMES = re.compile(r"report\.(?:md|pdf)|R-\d+|omc [a-z]+|RSI_14|data\.parquet|omc-reports")


def english_in(text: str) -> list[str]:
    return [line for line in text.splitlines() if ENGLISH.search(NAMES.sub("", line))]


def test_a_german_run_asks_answers_and_finishes_in_german(house: House, tmp_path: Path) -> None:
    house.env = {**house.env, "OMC_LANGUAGE": "de"}
    house.have_workers(1)
    asking = house.begin("analyze", "untersuche bct, letzte 20 Tage", tty=True)
    asking.hears("„bct“ habe ich als BTC gelesen. Was möchten Sie über BTC wissen")
    asking.hears("1. auf oder ab (empfohlen)")
    asking.hears("Antwort (Nummer oder eigene Worte; Enter nimmt „auf oder ab“)")
    asking.type("auf oder ab, nur LogisticRegression")
    asking.hears("Urteil: ")
    assert asking.ends() == 0
    run = re.findall(r"R-\d+", asking.text)[0]
    assert english_in(asking.text) == []
    assert "Hinweis: „bct“ habe ich als BTC gelesen." in asking.text
    assert "Bericht (PDF, Markdown), Notebook und Bilder sind auf Englisch." in asking.text
    for command in ("status", "results"):
        said = (
            house.omc(command, run, "--out", str(tmp_path / run))
            if command == "results"
            else house.omc(command, run)
        )
        assert english_in(said.out.replace(str(tmp_path), "")) == [], command
    assert english_in(house.omc("predict", run).out) == []
    assert "Verdict" in (tmp_path / run / "report.md").read_text()
    again = house.omc("rerun", run)
    assert english_in(again.out.replace("data.parquet", "")) == []


def test_a_look_at_the_data_and_a_refusal_are_told_in_german(house: House) -> None:
    house.env = {**house.env, "OMC_LANGUAGE": "de"}
    looked = house.omc("analyze", "zu welcher Stunde schwankt btc am stärksten? letzte 20 Tage", "--no-input")
    assert looked.status == 0, looked.out + looked.err
    assert "Ergebnis: " in looked.out
    assert english_in(looked.out) == []
    refused = house.omc("analyze", "schreibe mir ein gedicht", "--no-input")
    assert refused.status == 1
    assert "Ich erforsche nur Kryptokurse" in refused.out
    assert english_in(refused.out) == []
