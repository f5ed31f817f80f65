"""`omc plan --batch`: one answer per line, threads included, and the score of the goals kept beside the project."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from bots.plan_command import plan

NOW = "2023-09-27T00:00:00Z"
SPAN = {
    "btc": ["2022-08-01T00:00:00Z", "2023-09-26T23:55:00Z"],
    "eth": ["2022-08-01T00:00:00Z", "2023-09-26T23:55:00Z"],
}


def line(name: str, goal: str, **more: object) -> str:
    return json.dumps(
        {"id": name, "goal": goal, "now": NOW, "coverage": SPAN, "available_coins": list(SPAN), **more}
    )


def test_a_reply_finds_the_goal_it_replies_to(tmp_path: Path) -> None:
    path = tmp_path / "goals.jsonl"
    lines = [
        line("a", "btc up or down in 1h, costs 8 bps"),
        line("b", "now with eth and half the fees", after="a"),
        line("c", "4h", after="btc direction soon"),
    ]
    path.write_text("\n".join(lines))
    answers = [json.loads(answer) for answer in run(path).splitlines()]
    assert [answer["id"] for answer in answers] == ["a", "b", "c"]
    assert answers[1]["spec"]["coins"] == ["eth"]
    assert answers[1]["spec"]["costs_bps"] == 4.0
    assert answers[2]["spec"]["horizon"] == "4h"


def test_a_line_that_is_no_goal_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "goals.jsonl"
    path.write_text("\n".join(["not json", line("b", "btc up or down in 1h")]))
    result = CliRunner().invoke(plan, ["--batch", str(path), "--json"])
    assert result.exit_code == 1
    assert "line 1" in result.stderr
    assert json.loads(result.stdout)["id"] == "b"


def test_the_goals_beside_the_project_are_read_as_they_were_meant(test_data: Path, tmp_path: Path) -> None:
    goals = test_data / "goals" / "goals.jsonl"
    answers = tmp_path / "answers.jsonl"
    answers.write_text(run(goals), encoding="utf-8")
    scored = subprocess.run(
        [sys.executable, test_data / "goals" / "score.py", answers, "--goals", goals, "--misses", "9"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    total = next(row.split() for row in scored.splitlines() if row.startswith("ALL"))
    assert int(total[1]) >= 39, scored


def test_a_plan_shows_the_words_behind_each_slot() -> None:
    goal = "eth up or down in 4h, last 60 days, 7 bps, use tomorrow's open as a feature"
    result = CliRunner().invoke(plan, ["--coins-available", "btc,eth", "--now", NOW, goal])
    assert result.exit_code == 0
    shown = {line.split()[0]: line for line in result.output.splitlines()[1:]}
    assert "in 4h" in shown["horizon"]
    assert "last 60 days" in shown["period_days"]
    assert "7 bps" in shown["costs_bps"]
    assert "default" in shown["models"]
    assert "tomorrow's open" in shown["warnings"]


def run(path: Path) -> str:
    result = CliRunner().invoke(plan, ["--batch", str(path), "--json"])
    assert result.exit_code == 0, result.output
    return result.stdout
