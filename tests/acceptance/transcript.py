"""Prints the transcript of a whole session on a chat: real `omc bot` and `omc worker` processes against the double.

    python -m tests.acceptance.transcript slack
    python -m tests.acceptance.transcript discord --german

A command, a question that is answered by a button, the finish, and a reply that goes on from it. Prices are simulated.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from storage.embedded import ServiceSettings, connect
from tests import servers
from tests.bots.processes import Bots, bots_on, until
from tests.discord_double import DiscordDouble, Person
from tests.discord_double.checks import BUTTON, SELECT, text_of, walk
from tests.discord_double.world import THREAD, Json
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, Posted

OMC = Path(sys.executable).parent / "omc"
# A busy machine with two cores may take this long over a run that takes half a minute alone.
PATIENCE_SECONDS = 400.0
# What is asked once both runs are done, and how many messages the asker gets: a forecast is announced first.
AFTERWARDS = ("predict R-1", "compare R-1 R-2")
HEARD = {"predict R-1": 2, "compare R-1 R-2": 1}
Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Script:
    """What the person does, in their language."""

    locale: str
    goal: str
    choice: str  # the button of the question; what is recommended is marked in brackets
    follow: str
    verdict: str


# Misspelt, of a coin that the simulated prices have not: asked about, with buttons. One model, to be done soon.
ENGLISH = Script(
    "en-US",
    "will dogee close higher in the next hour? last 20 days, only logistic regression",
    "BTC",
    "same but 4h and half the fees",
    "Verdict: ",
)
GERMAN = Script(
    "de",
    "wird dogee in der nächsten Stunde steigen? letzte 20 Tage, nur logistische Regression",
    "BTC",
    "dasselbe, aber 4h und halbe Gebühren",
    "Urteil: ",
)


def main(arguments: list[str]) -> None:
    """Play the session and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("platform", choices=("slack", "discord"))
    parser.add_argument("--german", action="store_true", help="the person reads German")
    chosen = parser.parse_args(arguments)
    play(chosen.platform, GERMAN if chosen.german else ENGLISH)


def play(platform: str, script: Script) -> None:
    """Play the session; the thread is printed once both runs are told, the rest as it comes."""
    with tempfile.TemporaryDirectory(prefix="omc-transcript-") as folder:
        home = Path(folder)
        env = {**os.environ, "OMC_HOME": folder}
        subprocess.run(
            [OMC, "data", "sample", "--days", "30"], env=env, check=True, stdout=subprocess.DEVNULL
        )
        try:
            with connect(ServiceSettings(), home), (home / "worker.log").open("wb") as log:
                worker = subprocess.Popen([OMC, "worker"], env=env, stdout=log, stderr=log)
                try:
                    asyncio.run((_on_slack if platform == "slack" else _on_discord)(home, script))
                finally:
                    worker.terminate()
                    worker.wait(60)
        finally:
            servers.end(home)


async def _on_slack(home: Path, script: Script) -> None:
    settings = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    async with SlackDouble().serving() as slack:
        slack.people["U-ann"] = {"locale": script.locale}
        async with bots_on("slack", home, {**settings, "SLACK_API_BASE": slack.base}) as bots:
            bots.start()
            await _until(lambda: slack.sockets, "the bot is there", bots)
            await slack.slash(f"analyze {script.goal}")
            await _until(
                lambda: _labelled(_slack_buttons(slack), script.choice), "the question is asked", bots
            )
            message, label = _labelled(_slack_buttons(slack), script.choice)[0]
            await slack.press(message, label)
            root = next(m for m in slack.messages.values() if not m.thread_ts)
            await _until(lambda: _verdicts(_slack_texts(slack), script) == 1, "the verdict is told", bots)
            await slack.event(slack.write(script.follow, thread=root.ts))
            await _until(lambda: _verdicts(_slack_texts(slack), script) == 2, "the next one is told", bots)
            lines = [f"#research · Ann: /omc analyze {script.goal}", *_private(slack.told("U-ann"))]
            for posted in slack.messages.values():
                who = "Ann" if posted.user == "U-ann" else "omc"
                where = "    " if posted.thread_ts else ""
                files = [str(file.get("name") or file.get("title") or "") for file in posted.files]
                lines += _message(where, who, posted.text, files, posted.buttons, posted.reactions)
            _say(lines)
            for command in AFTERWARDS:
                before = len(slack.told("U-ann"))
                await slack.slash(command)
                await _until(
                    _reaches(lambda: len(slack.told("U-ann")), before + HEARD[command]), command, bots
                )
                _say([f"#research · Ann: /omc {command}", *_private(slack.told("U-ann")[before:])])
            assert slack.complaints == [], slack.complaints


async def _on_discord(home: Path, script: Script) -> None:
    async with DiscordDouble().running() as double:
        world, ann = double.world, Person(double, "ann", locale=script.locale)
        settings = {
            "DISCORD_BOT_TOKEN": world.token,
            "DISCORD_API_BASE": double.api_base,
            "DISCORD_GATEWAY": double.gateway_url,
        }

        def thread() -> str:
            return next((str(c["id"]) for c in world.channels.values() if c["type"] == THREAD), "")

        def messages() -> list[Json]:
            return list(world.messages[thread()].values()) if thread() else []

        def labelled() -> list[tuple[Json, str]]:
            return _labelled([(m, label) for m in messages() for label in _labels(m)], script.choice)

        def verdicts() -> int:
            return _verdicts([text_of(m) for m in messages()], script)

        async with bots_on("discord", home, settings) as bots:
            bots.start()
            await _until(lambda: double.gateway.sessions and world.commands, "the bot is there", bots)
            ann.slash(world.channel_id, "analyze", {"goal": script.goal})
            await _until(labelled, "the question is asked", bots)
            ann.press(*labelled()[0])
            await _until(lambda: verdicts() == 1, "the verdict is told", bots)
            ann.write(thread(), script.follow)
            await _until(lambda: verdicts() == 2, "the next one is told", bots)
            lines = [f"#general · ann: /omc analyze goal:{script.goal}", *_private(map(text_of, ann.told()))]
            for where, listed in (("", [world.messages[world.channel_id][thread()]]), ("    ", messages())):
                for message in listed:
                    author = message["author"]
                    files = [str(a["filename"]) for a in message["attachments"]]
                    reactions = [str(r["emoji"]["name"]) for r in message.get("reactions") or ()]
                    who = "ann" if author["id"] == ann.id else "omc"
                    lines += _message(where, who, text_of(message), files, _labels(message), reactions)
            _say(lines)
            for command in AFTERWARDS:
                before, (name, run, *other) = len(ann.told()), command.split()
                given = {"run": run} | ({"other": other[0]} if other else {})
                ann.slash(world.channel_id, name, given)
                await _until(_reaches(lambda: len(ann.told()), before + HEARD[command]), command, bots)
                _say([f"#general · ann: /omc {command}", *_private(map(text_of, ann.told()[before:]))])
            assert world.complaints == [], world.complaints


async def _until(condition: Callable[[], object], what: str, bots: Bots) -> None:
    await until(condition, what, bots, seconds=PATIENCE_SECONDS)


def _say(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201


def _reaches(count: Callable[[], int], least: int) -> Callable[[], bool]:
    return lambda: count() >= least


def _slack_buttons(slack: SlackDouble) -> list[tuple[Posted, str]]:
    return [(message, label) for message in slack.messages.values() for label in message.buttons]


def _slack_texts(slack: SlackDouble) -> list[str]:
    return [message.text for message in slack.messages.values() if message.thread_ts]


def _labels(message: Json) -> list[str]:
    found: list[str] = []
    for part in walk(message["components"]):
        if part["type"] == BUTTON:
            found.append(str(part.get("label", "")))
        elif part["type"] == SELECT:
            found += [str(option["label"]) for option in part["options"]]
    return found


def _labelled(buttons: Iterable[tuple[Shown, str]], choice: str) -> list[tuple[Shown, str]]:
    return [(message, label) for message, label in buttons if label.startswith(choice)]


def _verdicts(texts: Iterable[str], script: Script) -> int:
    return sum(script.verdict in text for text in texts)


def _private(texts: Iterable[str]) -> list[str]:
    return [f"  (only they see) omc: {line}" for text in texts for line in text.strip().splitlines()]


def _message(
    where: str, who: str, text: str, files: list[str], buttons: Iterable[str], reactions: list[str]
) -> list[str]:
    first, *rest = text.strip().splitlines() or [""]
    lines = [f"{where}{who}: {first}", *(f"{where}     {line}" for line in rest)]
    if files:
        lines.append(f"{where}     files: {', '.join(files)}")
    if buttons:
        lines.append(f"{where}     {' '.join(f'[{label}]' for label in buttons)}")
    if reactions:
        lines.append(f"{where}     reactions: {' '.join(reactions)}")
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])
