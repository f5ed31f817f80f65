"""Conversations at a terminal, as people have them."""

import json
import re
import signal
from pathlib import Path

from tests.acceptance.house import House

QUESTION = "will btc close higher in the next hour? only logistic regression"

# Long enough at work for somebody to walk to another shell.
LONG = "will btc, eth, sol, ada and xrp close higher in the next hour?"


def test_a_question_is_answered_with_a_verdict_its_files_and_the_numbers(
    house: House, tmp_path: Path
) -> None:
    """Nobody has started a worker: `omc analyze` brings its own."""
    said = house.omc("analyze", QUESTION, "--no-input", "--out", str(tmp_path / "r1"))
    assert said.status == 0, said.out + said.err
    assert said.err == ""
    [opened] = re.findall(r"^(R-\d+) " + re.escape(QUESTION), said.out, re.MULTILINE)
    stages = ["Planning", "Data", "Analysis", "Features", "Training", "Evaluation", "Report"]
    done = [said.out.index(f"✓ {stage} done") for stage in stages]
    assert done == sorted(done), "each stage is told once, in order"
    assert re.search(
        r"Plan: [\d-]+ [\d:]+ to [\d-]+ [\d:]+ UTC; 5m bars; LogisticRegression; costs", said.out
    )
    assert "LogisticRegression btc 60 min fold " in said.out
    [verdict] = re.findall(r"^Verdict: (edge|no edge|not enough data) for BTC", said.out, re.MULTILINE)
    assert "These prices are simulated." in said.out
    assert "not financial advice" in said.out
    assert "```" not in said.out
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", said.out), "no control characters where nobody sits"

    written = {
        str(path.relative_to(tmp_path / "r1")) for path in (tmp_path / "r1").rglob("*") if path.is_file()
    }
    assert {"report.pdf", "report.md", "notebook.ipynb", "data.parquet", "metrics.json"} <= written
    assert sum(name.startswith("charts/") for name in written) >= 2
    metrics = json.loads((tmp_path / "r1" / "metrics.json").read_text())
    assert metrics["run"] == opened
    assert metrics["verdict"]["decision"] == verdict.replace(" ", "_")
    assert metrics["spec"]["models"] == ["LogisticRegression"]
    assert metrics["data"]["simulated"] is True

    again = house.omc("results", opened, "--json")
    assert (again.status, json.loads(again.out)) == (0, metrics)
    assert f"Verdict: {verdict}" in house.omc("status", opened).out
    assert re.search(rf"{opened} .* {verdict} ", house.omc("list").out)


def test_a_run_asks_waits_without_a_worker_and_goes_on_with_the_first_answer(house: House) -> None:
    house.have_workers(1)
    asking = house.begin("analyze", "analyse doge", tty=True)
    asking.hears("There are no prices of DOGE here. Which coin shall I take instead?")
    asking.hears("Answer (number or your own words; Enter takes “")
    run = re.findall(r"R-\d+", asking.text)[0]
    row = house.row(run)
    assert (row.status, row.lease_owner) == ("awaiting_user", None)
    assert "waiting for an answer" in house.omc("list").out
    assert f"omc answer {run} TEXT" in house.omc("status", run).out

    # The only worker is free meanwhile: it serves somebody else.
    assert house.omc("analyze", "write me a poem", "--no-input").status == 1
    assert house.row(run).status == "awaiting_user"

    answered = house.omc("answer", run, "eth")
    assert (answered.status, answered.out.strip()) == (0, f"{run} goes on with “ETH”.")
    asking.hears("answered “ETH”.")
    asking.hears("What would you like to know about ETH")
    asking.type("up or down, only logistic regression")
    asking.hears("Verdict: ")
    assert asking.ends() == 0
    late = house.omc("answer", run, "sol")
    assert late.status == 1
    assert "already answered" in late.err

    told = house.told(run)
    assert len({event.key for event in told}) == len(told)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert house.kinds(run) == [
        "opened", "question", "answered", "question", "answered", "planned", "completed",
    ]  # fmt: skip
    started = [event.payload["stage"] for event in told if event.kind == "stage_started"]
    assert started == list(dict.fromkeys(started)), "no stage was begun twice"
    assert (house.row(run).spec or {})["coins"] == ["eth"]


def test_an_answer_given_twice_counts_once(house: House) -> None:
    house.have_workers(1)
    asking = house.begin(
        "analyze", "will doge close higher in the next hour? only logistic regression", tty=True
    )
    asking.hears("Answer (")
    run = re.findall(r"R-\d+", asking.text)[0]
    assert house.omc("answer", run, "xrp").status == 0
    second = house.omc("answer", run, "btc")
    assert second.status == 1
    assert second.err.startswith(f"{run}'s question was already answered")
    assert "“XRP”. The first answer counts." in second.err
    assert [event.payload["answer"] for event in house.told(run) if event.kind == "answered"] == ["XRP"]
    house.omc("cancel", run)


def test_answers_given_beforehand_are_used_and_json_stands_alone_on_stdout(house: House) -> None:
    house.have_workers(1)
    said = house.omc(
        "analyze", "analyse doge",
        "--answer", "sol", "--answer", "up or down, only logistic regression", "--json",
    )  # fmt: skip
    assert said.status == 0, said.err
    metrics = json.loads(said.out)
    assert (metrics["spec"]["coins"], metrics["spec"]["target"]) == (["sol"], "direction")
    assert "answered “SOL”." in said.err
    assert "Verdict: " in said.err


def test_where_nobody_can_be_asked_the_recommended_answer_is_taken_and_said(house: House) -> None:
    house.have_workers(1)
    talk = house.begin("analyze", "will doge close higher in the next hour? only logistic regression")
    talk.hears("Nobody was there to be asked; going on with “")
    talk.hears("Plan: ")
    run = re.findall(r"R-\d+", talk.text)[0]
    question, answer = (
        next(e for e in house.told(run) if e.kind == kind) for kind in ("question", "answered")
    )
    assert answer.payload["answer"] == question.payload["recommended"]
    house.omc("cancel", run)


def test_a_run_is_stopped_from_another_shell(house: House) -> None:
    house.have_workers(1)
    talk = house.begin("analyze", LONG, "--no-input")
    talk.hears("Training running")
    run = re.findall(r"R-\d+", talk.text)[0]
    assert "at work" in house.omc("status").out
    assert house.omc("cancel", run).out == f"{run} is being stopped; what was done is kept.\n"
    assert talk.ends() == 3
    assert f"{run} was stopped in Training; what was done before is kept." in talk.text
    assert "Verdict" not in talk.text
    again = house.omc("cancel", run)
    assert (again.status, again.err) == (1, f"{run} is already stopped; there is nothing to stop.\n")


def test_ctrl_c_stops_the_run(house: House) -> None:
    house.have_workers(1)
    talk = house.begin("analyze", LONG, tty=True)
    talk.hears("Training running")
    talk.process.send_signal(signal.SIGINT)
    assert talk.ends() == 3
    run = re.findall(r"R-\d+", talk.text)[0]
    assert f"Stopping {run} ..." in talk.text
    assert f"{run} was stopped" in talk.text
    assert house.kinds(run)[-2:] == ["stopping", "cancelled"]


def test_a_greeting_is_not_begun(house: House) -> None:
    house.have_workers(1)
    before = house.omc("list").out
    said = house.omc("analyze", "good evening", "--no-input")
    assert said.status == 2
    assert re.match(r"Hello! .+ will btc close higher in the next hour", said.err)
    assert house.omc("list").out == before


def test_what_is_not_about_prices_is_not_begun(house: House) -> None:
    house.have_workers(1)
    said = house.omc("analyze", "write me a poem", "--no-input")
    assert said.status == 1
    assert re.search(r"^R-\d+ was not begun: .+ crypto prices", said.out, re.MULTILINE)


def test_a_run_whose_reader_has_gone_does_not_wait_for_ever(house: House) -> None:
    """`omc analyze ... | head -1`: it leaves as soon as nobody reads on, and the run is left to the workers."""
    house.have_workers(1)
    talk = house.begin("analyze", LONG, "--no-input")
    talk.hears("R-")
    run = re.findall(r"R-\d+", talk.text)[0]
    talk.hang_up()
    assert talk.ends() == 1
    assert house.row(run).status in ("queued", "running")
    house.omc("cancel", run)
