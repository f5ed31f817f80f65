"""What cannot be done is said in one sentence, with the exit status that scripts go by, and leaves nothing behind."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bots.cli import main
from tests.acceptance.house import OMC, House, Said

Type = Callable[..., Said]

GOAL = "will btc close higher in the next hour?"


@pytest.fixture
def omc(
    shared_house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Type:
    """The same command in this process: what is refused before anything starts needs none of its own."""
    monkeypatch.setenv("OMC_HOME", str(shared_house.home))
    monkeypatch.chdir(tmp_path)

    def type_it(*arguments: str) -> Said:
        with pytest.raises(SystemExit) as end:
            main.main(list(arguments))
        heard = capfd.readouterr()
        assert "Traceback" not in heard.out + heard.err
        return Said(int(end.value.code or 0), heard.out, heard.err)

    return type_it


def test_help_shows_every_command_or_what_one_takes(omc: Type) -> None:
    assert omc("help").out == omc("--help").out
    assert omc("help", "cancel").out == omc("cancel", "--help").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["analyze"], "Missing argument 'GOAL...'."),
        (["analyze", " "], "Say what to analyse, for example: "),
        (["analyze", "a" * 20_000], "The goal has 20,000 characters; at most 4,000 are read."),
        (["analyze", GOAL, "--horizon", "banana"], "--horizon: “banana” cannot be read as a horizon."),
        (["analyze", GOAL, "--period", "0d"], "--period: “0d” cannot be read as a period."),
        (
            ["analyze", "up in the next hour?", "--coins", "foobar"],
            "--coins: “foobar” names no coin. There are",
        ),
        (["analyze", GOAL, "--out", "a-file"], "a-file is a file. Name a folder with --out."),
        (["analise"], "No such command 'analise'."),
        (["help", "analise"], "No such command 'analise'."),
    ],
)
def test_a_command_that_cannot_be_meant_ends_with_2(omc: Type, arguments: list[str], sentence: str) -> None:
    Path("a-file").touch()
    said = omc(*arguments)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(sentence)
    assert len(said.err.splitlines()) == 1


def test_no_prices_end_with_4_and_say_where_prices_come_from(
    house: House, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    """On somebody's own empty database: nothing is started, and no run is left in it."""
    own = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "OMC_HOME": str(tmp_path)}
    said = house.omc("analyze", GOAL, "--no-input", **own)
    assert (said.status, said.out) == (4, "")
    assert "`omc data import FILE`" in said.err
    assert "`omc data sample`" in said.err
    assert house.omc("list", **own).out.startswith("There are no runs yet.")


@pytest.mark.parametrize(
    ("name", "address", "sentence"),
    [
        ("DATABASE_URL", "mysql://here", "DATABASE_URL"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/omc", "DATABASE_URL"),
        ("REDIS_URL", "http://here", "REDIS_URL"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(
    omc: Type, monkeypatch: pytest.MonkeyPatch, name: str, address: str, sentence: str
) -> None:
    monkeypatch.setenv(name, address)
    said = omc("list")
    assert (said.status, said.out) == (1, "")
    assert sentence in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_started_with_closed_streams_does_its_work(closed: str) -> None:
    done = subprocess.run(["sh", "-c", f"'{OMC}' --version {closed}"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_runs_that_are_not_there_are_not_answered_stopped_or_shown(omc: Type) -> None:
    for command in (
        ["answer", "R-999", "btc"],
        ["cancel", "R-999"],
        ["results", "R-999"],
        ["status", "R-999"],
    ):
        said = omc(*command)
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("There is no run R-999. ")
        assert "omc list" in said.err


def test_a_full_disk_for_files_ends_the_run_in_a_sentence_and_keeps_no_half_of_one(
    house: House, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk here")
    try:
        asked = f"{GOAL} last 14 days, only logistic regression"
        said = house.omc(
            "analyze", asked, "--no-input", "--out", "full", ARTIFACT_STORAGE_PATH=f"{disk}/kept"
        )
        assert said.status == 1, said.out
        assert "No space left on device. Free some space there or set ARTIFACT_STORAGE_PATH to" in said.out
        assert not (house.folder / "full").exists()
        assert not list(disk.rglob("*.part*"))
        assert not [file for file in disk.rglob("*") if file.is_file()]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
