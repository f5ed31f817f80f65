"""Real bot processes against a real database, killed at any moment: nothing lost, nothing twice, order kept."""

import asyncio
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.bots.processes import FOREIGN, MOST_RESIDENT_KB, bots_on, resident_kb, story_of, until
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, Fault, Posted


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def settings(slack: SlackDouble, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SLACK_API_BASE": slack.base,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
    }


def notes(thread: list[Posted]) -> list[str]:
    return [found for message in thread for found in re.findall(r"Note: (\w+)", message.text)]


def test_a_session_from_a_command_to_its_finish_and_on(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async def play() -> set[str]:
        async with (
            SlackDouble().serving() as slack,
            bots_on("slack", tmp_path, settings(slack, database_url, redis_url)) as bots,
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
            assert resident_kb(bot) < MOST_RESIDENT_KB
            bot.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(bot.wait, 20) == 0
            assert slack.complaints == []
            return bots.loaded()

    loaded = asyncio.run(play())
    assert "slack_bolt" in loaded
    assert [name for name in loaded if name.split(".")[0] in (*FOREIGN, "discord")] == []


def test_bots_that_are_killed_while_they_tell_lose_nothing_and_say_nothing_twice(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)

    async def play() -> None:
        async with (
            SlackDouble().serving() as slack,
            bots_on("slack", tmp_path, settings(slack, database_url, redis_url)) as bots,
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
