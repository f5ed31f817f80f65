"""`python -m benchmarks.models [hostile|good|guard]`: whole sessions against a server that plays models.

hostile: each way of failing in every stage of a look at the data, one line each. good: a session of the standard goal with a
model that works; tokens by agent, and what graph and middleware take without models and tools. guard: how many true
sentences of real reports the number guard refuses, and how many changed figures it lets pass.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine import guard
from engine.outcome import Completed
from engine.science import simulate
from storage import prices
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect
from storage.series import SIMULATED
from tests.engine.houses import GOAL, House, thinking
from tests.engine.llm.players import RUN_CASES, STAGE_CASES, good
from tests.model_server import ModelServer

LOOK = "volatility of btc by hour of the day, last 20 days"  # three stages: quick, and every agent's loop is the same
STANDARD = "will btc close higher in the next hour? last 90 days"
GOALS = (
    GOAL,
    "eth up or down 4h ahead, last 60 days, logistic regression, 6 bps",
    "forecast btc volatility 1h ahead, last 30 days, ridge",
    "predict the return of eth 1h ahead, last 30 days, linear regression",
    "will btc and eth close higher in the next hour? last 20 days, logistic regression",
)


@contextmanager
def house(days: int) -> Iterator[House]:
    """Servers, prices and a folder of their own, gone afterwards."""
    with tempfile.TemporaryDirectory(
        prefix="omc-models-", dir="/dev/shm", ignore_cleanup_errors=True
    ) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with connect(ServiceSettings(), home / "home", grace_seconds=0) as services:
            upgrade(services.database_url)
            database = Database(services.database_url)
            newest = datetime(2026, 10, 1, tzinfo=UTC)
            drawn = simulate.sample(days, 7, newest - timedelta(days=days))
            with database.begin() as db:
                for coin, kind in {"btc": "flat", "eth": "wild"}.items():
                    bars = drawn[kind]
                    names = ("open", "high", "low", "close", "volume")
                    columns = {name: pa.array(bars[name].to_numpy()) for name in names}
                    stamps = pa.array(bars.index).cast(pa.timestamp("us", tz="UTC"))
                    coins = pa.repeat(coin, len(bars))
                    prices.upsert(db, SIMULATED, pa.table({"coin": coins, "timestamp": stamps} | columns))
            yield House(database, open_store(ArtifactSettings(), home / "files"))
            database.close()


def hostile() -> None:
    """One line a case: how it ended, model calls, tokens, seconds, what the thread heard."""
    with house(40) as home:
        home.run(home.open())
        say(
            f"{'case':<26}{'outcome':<11}{'asked':>6}{'calls':>6}{'tokens':>9}{'wall s':>8}{'CPU s':>7}  done offline, and notes"
        )
        for number, (name, play) in enumerate([("works", good), *STAGE_CASES.items(), *RUN_CASES.items()]):
            server = ModelServer(play)
            session = home.open(LOOK, owner=f"owner {number}")
            seconds = 2 if name == "hangs" else 30
            wall, processor = time.monotonic(), time.process_time()
            outcome = home.run(session, thinking(server, llm_timeout_seconds=seconds))
            wall, processor = time.monotonic() - wall, time.process_time() - processor
            used = home.usage(session)
            tokens = sum(row.input_tokens + row.output_tokens for row in used)
            notes = home.notes(session)
            offline = ""
            if isinstance(outcome, Completed):
                by = [note["by"] for note in outcome.result["stage_notes"]]
                offline = f"{by.count('offline planner')} of {len(by)}"
            say(
                f"{name:<26}{type(outcome).__name__:<11}{len(server.asked):>6}{len(used):>6}{tokens:>9,}{wall:>8.1f}"
                f"{processor:>7.1f}  {offline}; {' '.join(notes)[:110]}"
            )
            server.close()


def standard() -> None:
    """The standard goal with a model that works: tokens by agent, and seconds by what they went into."""
    with house(95) as home:
        server = ModelServer(good)
        session = home.open(STANDARD)
        wall = time.monotonic()
        outcome = home.run(session, thinking(server))
        wall = time.monotonic() - wall
        rows = home.audit(session)
        spent: dict[str, list[int]] = {}
        for row in home.usage(session):
            one = spent.setdefault(row.agent, [0, 0, 0])
            one[0] += 1
            one[1] += row.input_tokens
            one[2] += row.output_tokens
        say(f"{type(outcome).__name__}; {'agent':<18}{'calls':>6}{'read':>8}{'written':>9}")
        for agent, (calls, read, wrote) in spent.items():
            say(f"{'':<11}{agent:<18}{calls:>6}{read:>8,}{wrote:>9,}")
        total = [sum(one[at] for one in spent.values()) for at in range(3)]
        say(f"{'':<11}{'sum':<18}{total[0]:>6}{total[1]:>8,}{total[2]:>9,}")
        in_tools = sum(row.details.get("seconds", 0) for row in rows if row.role == "tool")
        in_model = sum(row.details.get("seconds", 0) for row in rows if row.role == "model")
        stages = len(home.told(session, "stage_done"))
        steps = sum(row.role in ("tool", "model") for row in rows)
        rest = wall - in_tools - in_model
        say(
            f"{wall:.1f} s: tools {in_tools:.1f}, model {in_model:.1f}, graph, middleware, audit and rows {rest:.2f} "
            f"= {rest / stages * 1000:.0f} ms a stage, {rest / steps * 1000:.0f} ms a step ({steps} steps, {stages} stages)"
        )
        server.close()


def guarded() -> None:
    """True sentences that are refused, and changed figures that pass, over reports of several goals."""
    draw = random.Random(1)
    refused, sentences, passed, changed = [], 0, 0, 0
    with house(65) as home:
        for goal in GOALS:
            session = home.open(goal)
            outcome = home.run(session)
            if not isinstance(outcome, Completed):
                say(f"{goal}: {outcome}")
                continue
            # A model words its text before the report's own summary of all figures is there.
            rows = [row for row in home.audit(session) if row.role == "tool"]
            results = [row.content for row in rows if row.details["tool"] != "generate_summary"]
            known = guard.gather([*results, outcome.result["spec"]])
            for text in texts(outcome):
                for sentence in re.split(r"(?<=[.!?;])\s+", text):
                    if not any(c.isdigit() for c in sentence):
                        continue
                    sentences += 1
                    missing = guard.unfounded(sentence, known)
                    if missing:
                        refused.append((sentence, missing))
                        continue
                    for other in changes(sentence, draw):
                        changed += 1
                        passed += not guard.unfounded(other, known)
    say(f"{sentences} true sentences with figures; refused {len(refused)} ({len(refused) / sentences:.1%})")
    say(
        f"{changed} sentences with one figure changed by 7-60 %; let through {passed} ({passed / max(1, changed):.1%})"
    )
    for sentence, missing in refused[:12]:
        say(f"  refused {missing}: {sentence[:150]}")


def texts(outcome: Completed) -> list[str]:
    """What the report itself says in words: true by construction, since code wrote it from the results."""
    ending: dict[str, Any] = outcome.payload["finish"]
    notes = [note["text"] for note in outcome.result["stage_notes"]]
    return [ending["verdict_line"], *ending["bullets"], *notes, *outcome.result["recommendations"]]


def changes(sentence: str, draw: random.Random) -> Iterator[str]:
    """The sentence with one decimal figure of it changed."""
    for found in re.finditer(r"\d+\.\d+", sentence):
        value = float(found.group()) * draw.choice([0.4, 0.7, 0.93, 1.07, 1.3, 1.6])
        places = len(found.group().partition(".")[2])
        if f"{value:.{places}f}" != found.group():
            yield f"{sentence[: found.start()]}{value:.{places}f}{sentence[found.end() :]}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["good", "guard", "hostile"]
    for name in wanted:
        {"hostile": hostile, "good": standard, "guard": guarded}[name]()
