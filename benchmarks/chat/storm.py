"""Runs in threads, one after the other in each, while bots and workers are killed and the platform is out of temper.

The runs are real ones of the embedded planner; what makes them light is that few prices are held: each ends with
the verdict that there is not enough data, its report and its files. What threads show is held against the rows.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.chat.chats import Chat
from benchmarks.chat.judging import Judged, judge, runs_of
from benchmarks.chat.processes import Processes, say, until
from storage.database import Database
from storage.models import AnalysisSession, Event
from storage.presence import count_workers

BARS = 600
LONGEST_SECONDS = 600.0
GOAL = "look at returns over the last day"  # of which coin? it asks
FOLLOW = ("now with eth", "now with btc")  # in turn, after each verdict
BOTS, WORKERS = ("bot-1", "bot-2"), ("worker-1", "worker-2")


@dataclass
class Storm:
    """How much there is to be done, and what was done so far."""

    threads: int
    runs: int  # in each thread
    kills: dict[str, int] = field(default_factory=lambda: {"bot": 0, "worker": 0})
    acts: int = 0


async def storm(
    chat: Chat, processes: Processes, home: Path, database: Database, *, threads: int, runs: int
) -> None:
    """Play it and print what came of it. Raises SystemExit with 1 when anything was lost, doubled or out of order."""
    chat.prepare(threads)
    for coin in ("btc", "eth"):
        processes.run("data", "import", str(_prices(home, coin)), "--coin", coin)
    for name in BOTS:
        processes.bot(name)
    for name in WORKERS:
        processes.worker(name)
    await until(lambda: chat.listening >= len(BOTS), "two bots are there")
    await until(lambda: count_workers(database) >= len(WORKERS), "two workers are there", 300)
    done = Storm(threads, runs)
    began = time.monotonic()
    killing = _accidents(chat, processes, database, done)
    people = [asyncio.create_task(_person(chat, database, number, done)) for number in range(threads)]
    waiting = f"{threads} people were not done after {LONGEST_SECONDS:.0f} s"
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SECONDS):
                await asyncio.gather(*people)
                waiting = ""
    finally:
        for task in (*killing, *people):
            task.cancel()
        await asyncio.gather(*killing, *people, return_exceptions=True)
    seconds = time.monotonic() - began
    with contextlib.suppress(SystemExit):  # what is missing then is counted as lost
        await until(lambda: judge(chat, database, threads).lost == 0, "the last words are told", 60)
    _report(judge(chat, database, threads), chat, done, seconds, waiting)


def _accidents(chat: Chat, processes: Processes, database: Database, done: Storm) -> list[asyncio.Task[None]]:
    """What goes wrong until it is cancelled: by what was achieved, so that a slow machine gets as far as a fast one."""
    chance = random.Random(11)

    def stages() -> int:
        with database.begin() as db:
            return db.scalar(select(func.count()).where(Event.kind == "stage_done")) or 0

    def works() -> bool:
        with database.begin() as db:
            held = AnalysisSession.lease_until > func.clock_timestamp()
            running = select(func.count()).where(AnalysisSession.status == "running", held)
            return bool(db.scalar(running))

    async def kill(
        start: Callable[[str], object],
        names: Sequence[str],
        achieved: Callable[[], int],
        at_work: Callable[[], bool],
        each: tuple[int, int],
    ) -> None:
        """SIGKILL one after the other in its work, now and then once more while it starts."""
        kind = names[0].partition("-")[0]
        while True:
            enough = achieved() + chance.randint(*each)
            await _until(lambda: achieved() >= enough)  # noqa: B023
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            await _until(at_work)
            name = chance.choice(names)
            for _ in range(1 if chance.random() < 0.8 else 2):
                processes.kill(name)
                start(name)
                done.kills[kind] += 1
                await asyncio.sleep(chance.uniform(0.0, 1.0))

    return [
        asyncio.create_task(
            kill(processes.bot, BOTS, lambda: chat.messages, lambda: chat.listening > 0, (6, 24))
        ),
        asyncio.create_task(kill(processes.worker, WORKERS, stages, works, (10, 40))),
        asyncio.create_task(_break(chat, chance)),
    ]


async def _break(chat: Chat, chance: random.Random) -> None:
    while True:
        chat.storm()
        enough = chat.messages + chance.randint(10, 40)
        await _until(lambda: chat.messages >= enough)  # noqa: B023


async def _person(chat: Chat, database: Database, number: int, done: Storm) -> None:
    """Ask, answer the question, and go on from each result with the next wish."""

    def said(word: str) -> int:
        return sum(word in message.text for message in chat.thread(number))

    def begun() -> bool:
        return bool(runs_of(database, chat, number))

    done.acts += 1
    await chat.begin(number, GOAL, begun)
    await _until(lambda: said("Which coin"))
    done.acts += 1
    await chat.reply(number, "btc")
    for finished, text in zip(range(1, done.runs), itertools.cycle(FOLLOW), strict=False):
        await _until(lambda finished=finished: said("not financial advice") >= finished)  # type: ignore[misc]
        done.acts += 1
        await chat.reply(number, text)
    await _until(lambda: said("not financial advice") >= done.runs)


async def _until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.2)


def _report(judged: Judged, chat: Chat, done: Storm, seconds: float, waiting: str) -> None:
    """Print the table, then what was wrong. Raises SystemExit."""
    wrong = [*judged.wrong, *(f"{chat.platform}: {complaint}" for complaint in chat.complaints)]
    if waiting:
        wrong.insert(0, waiting)
    if judged.runs != done.threads * done.runs:
        wrong.insert(0, f"{judged.runs} runs were begun, not {done.threads * done.runs}")
    faults = chat.faults
    rows = (
        ("threads", done.threads),
        ("acts of people, each delivered three times", done.acts),
        ("runs begun", judged.runs),
        ("runs that came to their verdict", judged.completed),
        ("kill -9 of a bot", done.kills["bot"]),
        ("kill -9 of a worker", done.kills["worker"]),
        ("runs taken over from a lost worker", judged.resumed),
        ("answers 429", faults.get("429", 0)),
        ("errors and broken connections", sum(faults.values()) - faults.get("429", 0)),
        ("messages and uploads", judged.told),
        ("lost", judged.lost),
        ("twice", judged.twice),
        ("threads out of order", judged.out_of_order),
        ("seconds", round(seconds)),
    )
    say(f"storm on {chat.platform}")
    for name, value in rows:
        say(f"  {name:<{max(len(label) for label, _ in rows)}}  {value:>5}")
    for line in wrong[:20]:
        say(f"  WRONG: {line}")
    if wrong:
        raise SystemExit(1)


def _prices(home: Path, coin: str) -> Path:
    """Two days of made-up bars: enough to begin with, too few for a verdict."""
    chance, price = random.Random(coin), 100.0
    start = datetime(2025, 6, 1, tzinfo=UTC)
    lines = ["timestamp,open,high,low,close,volume"]
    for bar in range(BARS):
        before, price = price, price * (1 + chance.gauss(0, 0.001))
        high, low = max(before, price), min(before, price)
        at = (start + timedelta(minutes=5 * bar)).isoformat()
        lines.append(f"{at},{before:.4f},{high:.4f},{low:.4f},{price:.4f},1")
    path = home / f"{coin}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
