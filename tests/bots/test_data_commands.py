"""`omc data` as a person uses it: files in, tables and files out, questions at a terminal, one sentence on a fault."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pexpect
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from bots import data_tables
from bots.data_commands import data
from bots.sample_command import PLANTED, SAMPLE
from storage import prices
from storage.database import Database
from storage.embedded import Services
from tests.storage.doubles import STEP_MS, Venue, kline, running

START = datetime(2023, 6, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
Omc = Callable[..., Result]


@pytest.fixture
def omc(monkeypatch: pytest.MonkeyPatch, database_url: str, services: Services) -> Omc:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", services.redis_url)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(data, [str(argument) for argument in arguments])

    return run


def test_a_narrow_terminal_cuts_no_figure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("COLUMNS", "40"), ("FORCE_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    held = prices.Coverage("binance:usdt", "btc", START, START + 105_120 * STEP, 105_120, 300, False)
    data_tables.show_coins([held], {"btc": "binance:usdt"})
    shown = capsys.readouterr().out
    assert "…" not in shown
    for words in ("btc", "* binance:usdt", "2023-06-01", "105,120"):
        assert words in shown


@pytest.fixture
def prices_file(tmp_path: Path) -> Path:
    path = tmp_path / "binance_btc_usdt.csv"
    lines = [
        f"{int((START + at * STEP).timestamp())},{100 + at % 7}" for at in range(400) if not 50 <= at < 60
    ]
    path.write_text("time,close\n" + "\n".join(lines) + "\nTotal,\n")
    return path


def test_a_file_is_shown_written_and_changes_nothing_the_second_time(omc: Omc, prices_file: Path) -> None:
    tried = omc("import", prices_file, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "Nothing was written" in tried.output
    assert "No prices are held yet" in omc("coins").output

    shown = omc("import", prices_file).output
    assert "btc (from the file name)" in shown
    assert "1 gap, 10 bars missing; the longest: 0 h 50 min from 2023-06-01T04:10:00Z" in shown
    assert "line 392: Total" in shown

    (again,) = json.loads(omc("import", prices_file, "--json").output)
    assert [(coin["new"], coin["updated"], coin["same"]) for coin in again["coins"]] == [(0, 0, 390)]


def test_one_bad_file_does_not_keep_a_good_one_out(omc: Omc, prices_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    result = omc("import", tmp_path / "empty.csv", prices_file)
    assert result.exit_code == 1
    assert "empty.csv: not imported. The file is empty" in result.output
    assert "390" in omc("coins").output


def test_listing_names_the_default_series_and_marks_what_is_simulated(omc: Omc, prices_file: Path) -> None:
    omc("sample", "--days", "30")
    listed = json.loads(omc("coins", "--json").output)
    assert {(row["coin"], row["series"], row["simulated"], row["rows"]) for row in listed} == {
        (coin, "simulated", True, 30 * 288) for coin in SAMPLE
    }
    omc("import", prices_file)
    defaults = {
        row["coin"]: row["series"] for row in json.loads(omc("coins", "--json").output) if row["default"]
    }
    assert defaults["btc"] == "binance:usdt"
    assert defaults["eth"] == "simulated"
    assert omc("coins").output.count("SIMULATED") == len(SAMPLE)


def test_the_sample_is_the_same_for_a_seed_names_its_planted_coin_and_ends_now(
    omc: Omc, tmp_path: Path
) -> None:
    first = omc("sample", "--days", "30", "--seed", "3").output
    assert f"except {PLANTED}" in first
    omc("export", "--coins", "btc,xrp", "--out", tmp_path / "a.parquet")
    omc("sample", "--days", "30", "--seed", "3")
    omc("export", "--coins", "btc,xrp", "--out", tmp_path / "b.parquet")
    a, b = pq.read_table(tmp_path / "a.parquet"), pq.read_table(tmp_path / "b.parquet")
    assert a["close"].equals(b["close"])
    assert abs((b["timestamp"][-1].as_py() - datetime.now(UTC)).total_seconds()) < 900
    assert b"simulated prices" in a.schema.metadata[b"note"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_an_export_comes_back_as_it_was_and_into_its_series(omc: Omc, tmp_path: Path, suffix: str) -> None:
    omc("sample", "--days", "30")
    out = tmp_path / f"prices.{suffix}"
    assert "SIMULATED" in omc("export", "--coins", "btc,eth", "--out", out, "--days", "2").output
    (report,) = json.loads(omc("import", out, "--json").output)
    assert [(coin["coin"], coin["series"], coin["same"]) for coin in report["coins"]] == [
        ("btc", "simulated", 576),
        ("eth", "simulated", 576),
    ]


def test_an_export_that_cannot_be_is_said_and_leaves_no_file(
    omc: Omc, prices_file: Path, tmp_path: Path
) -> None:
    omc("import", prices_file)
    for arguments, words in (
        (("--coins", "doge", "--out", tmp_path / "x.csv"), "no prices of doge"),
        (("--coins", "btc", "--out", tmp_path / "x.xls"), "neither .parquet nor .csv"),
        (("--coins", "btc", "--out", tmp_path / "nowhere" / "x.csv"), "cannot be written"),
        (("--coins", "btc", "--out", tmp_path / "x.csv", "--start", "2030-01-01"), "nothing was written"),
    ):
        result = omc("export", *arguments)
        assert result.exit_code == 1
        assert words in result.output
        assert "Traceback" not in result.output
    assert [path.name for path in tmp_path.iterdir()] == [prices_file.name]


def test_stats_and_health_tell_gaps_and_age(omc: Omc, prices_file: Path) -> None:
    omc("import", prices_file)
    (stats,) = json.loads(omc("stats", "BTC", "--json").output)
    assert (stats["gaps"], stats["missing_bars"], stats["bars"]) == (1, 10, 390)
    assert "1 gap, 10 bars missing" in omc("stats", "btc").output
    assert "no prices of doge" in omc("stats", "doge").output

    (health,) = json.loads(omc("health", "--json").output)
    assert health["gaps"] == [
        {"start": "2023-06-01T04:10:00+00:00", "end": "2023-06-01T05:00:00+00:00", "missing_bars": 10}
    ]
    chart = omc("health").output
    assert "97.50%" in chart
    (line,) = [line for line in chart.splitlines() if "█" in line]
    # 400 bars in 48 columns: the ten missing ones empty one column and thin its neighbours.
    assert line.count(" ", 9, 9 + 48) + line.count("░", 9, 9 + 48) >= 1


def test_health_draws_a_picture_of_each_series(omc: Omc, prices_file: Path, tmp_path: Path) -> None:
    omc("import", prices_file)
    told = omc("health", "--chart", tmp_path / "held.png")
    assert f"The chart is in {tmp_path / 'held.png'}" in told.output
    with Image.open(tmp_path / "held.png") as picture:
        colours = {colour for count, colour in picture.getcolors(100_000) or [] if count > 20}
    assert {(11, 95, 165), (200, 54, 29)} <= colours  # what is held, and the mark at the gap

    omc("sample", "--days", "30")
    omc("health", "--chart", tmp_path / "held.png")
    assert {path.name for path in tmp_path.glob("held-*")} == {"held-binance-usdt.png", "held-simulated.png"}
    wrong = omc("health", "--chart", tmp_path / "held.txt")
    assert (wrong.exit_code, "name a FILE.png" in wrong.output) == (2, True)
    assert "no series 'krakn'" in omc("health", "--series", "krakn").output


def test_fetch_shows_what_came_and_goes_on_where_it_was(omc: Omc, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000) // STEP_MS * STEP_MS
    candles = {now - at * STEP_MS: kline(now - at * STEP_MS, 100 + at) for at in range(1, 320)}
    with running(Venue({"BTCUSDT": candles, "ETHUSDT": candles})) as venue:
        monkeypatch.setenv("EXCHANGE_API_BASE", venue.url)
        first = omc("fetch", "--exchange", "binance", "--coins", "btc,eth", "--days", "1", "--json")
        again = omc("fetch", "--exchange", "binance", "--coins", "btc", "--days", "1")
        wrong = omc("fetch", "--exchange", "binance", "--coins", "btc,doge")
    assert [(found["coin"], found["series"]) for found in json.loads(first.output)] == [
        ("btc", "binance:usdt"),
        ("eth", "binance:usdt"),
    ]
    assert json.loads(first.output)[0]["new"] >= 287
    assert "btc in binance:usdt:" in again.output
    assert wrong.exit_code == 1
    assert "does not trade doge" in wrong.output


def test_collect_once_stores_the_latest_prices(omc: Omc, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = {
        "prices": {"btc": {"bid": "3", "ask": "1", "last": "2"}, "str": {"bid": "1", "ask": "3", "last": "2"}}
    }
    with running(Venue(latest=latest)) as venue:
        monkeypatch.setenv("COINSPOT_API_BASE", venue.url)
        result = omc("collect", "--once")
    assert "coinspot:aud: 2 new, 0 updated; bid above ask (kept): btc" in result.output
    assert {row["coin"] for row in json.loads(omc("coins", "--json").output)} == {"btc", "xlm"}


def program(*arguments: object) -> list[str]:
    code = "from bots.data_commands import data; data(prog_name='omc data')"
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_at_a_terminal_what_is_missing_is_asked(omc: Omc, tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(
        "time,close\n" + "".join(f"{int((START + at * STEP).timestamp())},{at + 1}\n" for at in range(9))
    )
    command, *arguments = program("import", path)
    child = pexpect.spawn(command, arguments, env=dict(os.environ), encoding="utf-8", timeout=60)
    child.expect("does not say which coin")
    child.expect("--coin:")
    child.sendline("btc")
    child.expect("Series")
    child.sendline("kraken:usd")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    (row,) = json.loads(omc("coins", "--json").output)
    assert (row["coin"], row["series"], row["rows"]) == ("btc", "kraken:usd", 9)

    refused = omc("import", path)  # without a terminal the question is the refusal
    assert refused.exit_code == 1
    assert "--coin btc" in refused.output


def test_ctrl_c_in_the_middle_of_writing_leaves_nothing(
    omc: Omc, prices_file: Path, database_url: str
) -> None:
    database = Database(database_url)
    with database.begin() as session:
        # Hold the series: the import reads its file and then waits to write.
        import pyarrow as pa

        prices.upsert(
            session,
            "binance:usdt",
            pa.table(
                {
                    "coin": ["eth"],
                    "timestamp": pa.array([START], pa.timestamp("us", tz="UTC")),
                    "close": [1.0],
                }
            ),
        )
        command, flag, code, *arguments = program("import", prices_file)
        # Tests that a script starts in the background begin with Ctrl-C ignored, and what they start with them.
        heard = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {code}"
        child = subprocess.Popen([command, flag, heard, *arguments], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for line in child.stdout:
            if "series" in line:
                break
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) != 0
        child.stdout.close()
    with database.begin() as session:
        assert [item.coin for item in prices.coverage(session)] == ["eth"]
    database.close()


def test_stamps_that_contradict_what_is_held_are_refused(omc: Omc, tmp_path: Path) -> None:
    closes = [100 + (at * 37 % 101) / 10 for at in range(400)]

    def save(name: str, offset: timedelta) -> Path:
        lines = [f"{START + offset + at * STEP:%Y-%m-%d %H:%M},{close}" for at, close in enumerate(closes)]
        (tmp_path / name).write_text("time,close\n" + "\n".join(lines))
        return tmp_path / name

    assert omc("import", save("binance_btc_usdt.csv", timedelta())).exit_code == 0
    shifted = omc("import", save("binance_btc_usdt_local.csv", timedelta(hours=10)))
    assert shifted.exit_code == 1
    assert "stamped 10 hours later: say its zone with --tz" in " ".join(shifted.output.split())
    ends = omc("import", save("binance_btc_usdt_ends.csv", STEP))
    assert "--stamps end" in " ".join(ends.output.split())
    right = omc("import", tmp_path / "binance_btc_usdt_local.csv", "--tz", "UTC+10", "--json")
    assert json.loads(right.output)[0]["coins"][0]["same"] == 400
