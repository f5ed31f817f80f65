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
from tests.discord_double import DiscordDouble, Fault, Person
from tests.discord_double.checks import BUTTON, text_of, walk
from tests.discord_double.world import THREAD, Json


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def settings(double: DiscordDouble, database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DISCORD_BOT_TOKEN": double.world.token,
        "DISCORD_API_BASE": double.api_base,
        "DISCORD_GATEWAY": double.gateway_url,
    }


def threads(double: DiscordDouble) -> list[str]:
    return [str(channel["id"]) for channel in double.world.channels.values() if channel["type"] == THREAD]


def messages(double: DiscordDouble, thread: str) -> list[Json]:
    return list(double.world.messages[thread].values())


def labels(message: Json) -> list[str]:
    return [part["label"] for part in walk(message["components"]) if part["type"] == BUTTON]


def test_a_session_from_a_command_to_its_finish_and_on(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async def play() -> set[str]:
        async with (
            DiscordDouble().running() as double,
            bots_on("discord", tmp_path, settings(double, database_url, redis_url)) as bots,
        ):
            world, ann = double.world, Person(double, "ann")
            ben = Person(double, "ben", locale="de")
            bot = bots.start("-X", "importtime")
            await until(lambda: double.gateway.sessions and world.commands, "the bot is there", bots)
            ann.slash(world.channel_id, "analyze", {"goal": "will btc rise?"})
            ann.repeat()
            await until(lambda: len(threads(double)) == 1, "the thread is opened", bots)
            thread = threads(double)[0]
            await until(
                lambda: ann.told() and f"<#{thread}>" in text_of(ann.told()[0]), "the link is told", bots
            )
            root = world.messages[world.channel_id][thread]
            await until(lambda: messages(double, thread), "the card stands there", bots)
            assert labels(messages(double, thread)[0]) == ["Stop", "Details"]
            story = story_of(database, 1)
            assert story is not None
            await asyncio.to_thread(story.take)
            await asyncio.to_thread(story.ask)
            await until(lambda: len(messages(double, thread)) == 2, "the question is asked", bots)
            question = messages(double, thread)[-1]
            late = dict(question)
            assert question["mentions"] == [world.users[ann.id]]
            ben.press(question, "4h")
            await until(ben.told, "ben is told", bots)
            assert "R-1" in text_of(ben.told()[0])
            assert labels(question)
            ann.write(thread, "4h")
            await until(lambda: not labels(question), "the question is closed", bots)
            assert "answered “4h”" in text_of(question)
            ann.press(late, "1h (recommended)")
            await until(
                lambda: "already answered" in text_of(ann.told()[-1]), "a late click is told so", bots
            )
            story.epoch = 1
            await asyncio.to_thread(story.take)
            await asyncio.to_thread(story.complete)
            await until(lambda: "Verdict: no edge" in text_of(root), "the root says the verdict", bots)
            finish = messages(double, thread)[-1]
            assert "Share to channel" in labels(finish)
            follow = ann.write(thread, "now with eth")
            for _ in range(2):
                ann.repeat()
            await until(lambda: story_of(database, 2), "the follow-up is begun", bots)
            await until(lambda: world.messages[thread][follow].get("reactions"), "it is acknowledged", bots)
            await until(
                lambda: "R-2" in text_of(messages(double, thread)[-1]), "it goes on in the thread", bots
            )
            assert story_of(database, 3) is None
            assert len(threads(double)) == 1
            assert resident_kb(bot) < MOST_RESIDENT_KB
            bot.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(bot.wait, 20) == 0
            assert world.complaints == []
            return bots.loaded()

    loaded = asyncio.run(play())
    assert "discord" in loaded
    assert [name for name in loaded if name.split(".")[0] in (*FOREIGN, "slack_bolt", "rich")] == []


def test_bots_that_are_killed_while_they_tell_lose_nothing_and_say_nothing_twice(
    database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    chance = random.Random(7)

    async def play() -> None:
        async with (
            DiscordDouble().running() as double,
            bots_on("discord", tmp_path, settings(double, database_url, redis_url)) as bots,
        ):
            world, ann = double.world, Person(double, "ann")
            pair = [bots.start(), bots.start()]
            await until(lambda: len(double.gateway.sessions) == 2, "two bots are there", bots)
            for number in range(1, 5):
                ann.slash(world.channel_id, "analyze", {"goal": "will btc rise?"})
                await until(lambda: story_of(database, number), f"run {number} is begun", bots)  # noqa: B023
            stories = [story for number in range(1, 5) if (story := story_of(database, number))]
            for story in stories:
                await asyncio.to_thread(story.take)
            for number in range(4):
                for story in stories:
                    await asyncio.to_thread(story.tell, f"n{number}", "note", text=f"n{number}")
                world.faults.append(Fault("POST .*/messages$", None, after=True))
                world.faults.append(Fault("POST .*/messages$", 429, retry_after=0.2))
                world.faults.append(Fault("POST .*/messages$", 503, after=True))
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                world.nonces.clear()
                victim = chance.randrange(2)
                bots.kill(pair[victim])
                pair[victim] = bots.start()
            for story in stories:
                await asyncio.to_thread(story.fail, "the end")

            def all_there() -> bool:
                said = [text_of(m) for thread in threads(double) for m in messages(double, thread)]
                return sum("the end" in text for text in said) == 4

            await until(all_there, "every thread has heard its end", bots, seconds=120)
            assert len(threads(double)) == 4
            assert len(world.messages[world.channel_id]) == 4
            for thread in threads(double):
                texts = [text_of(message) for message in messages(double, thread)]
                assert re.findall(r"Note: (\w+)", "\n".join(texts[1:])) == ["n0", "n1", "n2", "n3"]
                assert texts.count(texts[-1]) == 1
            assert world.complaints == []

    asyncio.run(play())
