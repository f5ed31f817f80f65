"""Real bot processes against a real database, killed at any moment: nothing lost, nothing twice, order kept."""

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from storage.database import Database
from storage.models import AnalysisSession
from tests.bots.stories import Story
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, Fault, Posted

FOREIGN = (
    "engine",
    "sandbox",
    "langgraph",
    "langchain",
    "pandas",
    "numpy",
    "pyarrow",
    "sklearn",
    "discord",
    "alembic",
)


class Bots:
    """`omc bot slack` as processes."""

    def __init__(self, slack: SlackDouble, database_url: str, redis_url: str, home: Path) -> None:
        self._home = home
        self._env = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "OMC_HOME": str(home),
            "SLACK_API_BASE": slack.base,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *flags: str) -> subprocess.Popen[bytes]:
        log = (self._home / f"bot-{len(self.running)}.log").open("ab")
        command = [sys.executable, *flags, "-m", "bots.cli", "bot", "slack"]
        process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        log.close()
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._home.glob("bot-*.log")))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@asynccontextmanager
async def bots_on(slack: SlackDouble, database_url: str, redis_url: str, home: Path) -> AsyncIterator[Bots]:
    bots = Bots(slack, database_url, redis_url, home)
    try:
        yield bots
    finally:
        for process in bots.running:
            if process.poll() is None:
                process.terminate()
        for process in bots.running:
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                bots.kill(process)


async def until(condition: object, what: str, bots: Bots, *, seconds: float = 60) -> None:
    assert callable(condition)
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}\n{bots.logs()}") from None


def story_of(database: Database, number: int) -> Story | None:
    with database.begin() as db:
        row = db.query(AnalysisSession).filter_by(number=number).one_or_none()
        return Story(database, row.id, row.number) if row else None


def notes(thread: list[Posted]) -> list[str]:
    return [found for message in thread for found in re.findall(r"Note: (\w+)", message.text)]


def test_a_session_from_a_command_to_its_finish_and_on(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async def play() -> str:
        async with (
            SlackDouble().serving() as slack,
            bots_on(slack, database_url, redis_url, tmp_path) as bots,
        ):
            bot = bots.start("-X", "importtime")
            await until(lambda: slack.sockets, "the bot is there", bots)
            for _ in range(3):
                await slack.slash("will btc rise?")
                await slack.again()
            assert {text.strip() for text in slack.told("U-ann")} == {
                f"R-{number} is in the queue, place {number}." for number in (1, 2, 3)
            }
            await until(lambda: len(slack.messages) == 6, "roots and cards stand there", bots)
            root = next(message for message in slack.messages.values() if message.text.startswith("R-1"))
            story = story_of(database, 1)
            assert story is not None
            await asyncio.to_thread(story.take)
            await asyncio.to_thread(story.ask)
            await until(lambda: len(slack.thread(root.ts)) == 3, "the question is asked", bots)
            question = slack.thread(root.ts)[-1]
            assert question.calls == ("U-ann",)
            await slack.press(question, "4h")
            await until(lambda: not question.buttons, "the question is closed", bots)
            assert "Ann answered “4h”." in question.text
            story.epoch = 1
            await asyncio.to_thread(story.take)
            await asyncio.to_thread(story.complete)
            await until(lambda: "Verdict: no edge" in root.text, "the root says the verdict", bots)
            finish = slack.thread(root.ts)[-1]
            assert "Share to channel" in finish.buttons
            event = slack.write("now with eth", thread=root.ts)
            for _ in range(3):
                await slack.event(event)
            await until(lambda: story_of(database, 4), "the follow-up is begun", bots)
            assert story_of(database, 5) is None
            await until(
                lambda: slack.messages[event["ts"]].reactions == ["white_check_mark"],
                "it is acknowledged",
                bots,
            )
            resident = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{bot.pid}/status").read_text())[0])
            assert resident < 120 * 1024, f"{resident} kB"
            bot.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(bot.wait, 20) == 0
            assert slack.complaints == []
            return bots.logs()

    log = asyncio.run(play())
    loaded = {line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")}
    assert "slack_bolt" in loaded
    assert [name for name in loaded if name.split(".")[0] in FOREIGN] == []


def test_bots_that_are_killed_while_they_tell_lose_nothing_and_say_nothing_twice(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)

    async def play() -> None:
        async with (
            SlackDouble().serving() as slack,
            bots_on(slack, database_url, redis_url, tmp_path) as bots,
        ):
            pair = [bots.start(), bots.start()]
            await until(lambda: len(slack.sockets) == 2, "two bots are there", bots)
            for channel in ("C1", "C2", "C3", "C4"):
                await slack.slash("will btc rise?", channel=channel)
            stories = [story for number in range(1, 5) if (story := story_of(database, number))]
            assert len(stories) == 4
            for story in stories:
                await asyncio.to_thread(story.take)
            for number in range(4):
                for story in stories:
                    await asyncio.to_thread(story.tell, f"n{number}", "note", text=f"n{number}")
                slack.faults["chat.postMessage"].append(Fault("cut", after=True))
                slack.faults["chat.postMessage"].append(Fault("429", retry_after=0.2))
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                victim = chance.randrange(2)
                bots.kill(pair[victim])
                pair[victim] = bots.start()
            for story in stories:
                await asyncio.to_thread(story.fail, "the end")

            def all_there() -> bool:
                return sum("the end" in message.text for message in slack.messages.values()) == 4

            await until(all_there, "every thread has heard its end", bots, seconds=120)
            roots = [m for m in slack.messages.values() if not m.thread_ts]
            assert len(roots) == 4
            for root in roots:
                thread = slack.thread(root.ts)
                assert notes(thread) == ["n0", "n1", "n2", "n3"]
                assert [message.text for message in thread].count(thread[-1].text) == 1
            assert slack.complaints == []

    asyncio.run(play())
