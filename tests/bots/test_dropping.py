"""A file of prices dropped into the thread of a run, on both chats: understood, asked about, imported, counted back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import prices
from storage.database import Database
from tests.bots.discord.test_processes import labels, messages, threads
from tests.bots.discord.test_processes import settings as discord_settings
from tests.bots.processes import bots_on, until
from tests.bots.slack.test_processes import settings as slack_settings
from tests.discord_double import DiscordDouble, Person
from tests.discord_double.checks import text_of
from tests.slack_double import SlackDouble

ROWS = [f"2024-01-01T{5 * n // 60:02d}:{5 * n % 60:02d}:00Z,{100 + n},{n}" for n in range(48)]
CLEAR = "\n".join(["time,close,volume", *ROWS]).encode()
# A day and a month that may stand for each other, and no zone: nobody may guess.
UNCLEAR = "\n".join(
    ["time,close", *(f"0{n // 24 + 1}/02/2024 {n % 24:02d}:00,{100 + n}" for n in range(60))]
).encode()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def held(database: Database) -> dict[str, int]:
    with database.begin() as db:
        return {row.coin: row.rows for row in prices.coverage(db.connection())}


def test_in_slack(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with (
            SlackDouble().serving() as slack,
            bots_on("slack", tmp_path, slack_settings(slack, database_url, redis_url)) as bots,
        ):
            bots.start()
            await until(lambda: slack.sockets, "the bot is there", bots)
            await slack.slash("will btc rise?")
            await until(lambda: len(slack.messages) == 2, "root and card stand there", bots)
            root = next(message for message in slack.messages.values() if not message.thread_ts)

            await slack.event(slack.drop("sol_prices.csv", CLEAR, thread=root.ts))
            await until(lambda: "Import" in slack.thread(root.ts)[-1].buttons, "it is understood", bots)
            understood = slack.thread(root.ts)[-1]
            assert "sol_prices.csv: 48 rows." in understood.text
            assert "SOL" in understood.text
            assert held(database) == {}
            await slack.press(understood, "Import")
            await until(lambda: held(database) == {"sol": 48}, "it is imported", bots)
            await until(lambda: "48 new bars" in slack.thread(root.ts)[-1].text, "it is counted back", bots)

            await slack.event(slack.drop("prices.csv", UNCLEAR, thread=root.ts))
            await until(
                lambda: "is not imported" in slack.thread(root.ts)[-1].text, "it is asked about", bots
            )
            unclear = slack.thread(root.ts)[-1]
            await slack.press(unclear, "Say what it is")
            await until(lambda: slack.views, "the form opens", bots)
            await slack.submit({"coin": "ada", "tz": "UTC", "dates": "day-first"})
            await until(lambda: held(database).get("ada"), "it is imported as it was said", bots)
            assert slack.complaints == []

    asyncio.run(play())


def test_in_discord(database: Database, database_url: str, redis_url: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with (
            DiscordDouble().running() as double,
            bots_on("discord", tmp_path, discord_settings(double, database_url, redis_url)) as bots,
        ):
            world, ann = double.world, Person(double, "ann")
            bots.start()
            await until(lambda: double.gateway.sessions and world.commands, "the bot is there", bots)
            ann.slash(world.channel_id, "analyze", {"goal": "will btc rise?"})
            await until(
                lambda: threads(double) and messages(double, threads(double)[0]), "the card stands", bots
            )
            thread = threads(double)[0]

            ann.write(thread, "", {"sol_prices.csv": CLEAR})
            await until(lambda: "Import" in labels(messages(double, thread)[-1]), "it is understood", bots)
            understood = messages(double, thread)[-1]
            assert "48 rows." in text_of(understood)
            assert held(database) == {}
            ann.press(understood, "Import")
            await until(lambda: held(database) == {"sol": 48}, "it is imported", bots)
            await until(
                lambda: any("48 new bars" in text_of(m) for m in [*messages(double, thread), *ann.told()]),
                "it is counted back",
                bots,
            )

            ann.write(thread, "", {"prices.csv": UNCLEAR})
            await until(
                lambda: "is not imported" in text_of(messages(double, thread)[-1]), "it is asked about", bots
            )
            opened = ann.press(messages(double, thread)[-1], "Say what it is")
            await until(lambda: opened.modal is not None, "the form opens", bots)
            ann.submit(opened, {"coin": "ada", "tz": "UTC", "dates": "day-first"})
            await until(lambda: held(database).get("ada"), "it is imported as it was said", bots)
            assert world.complaints == []

    asyncio.run(play())
