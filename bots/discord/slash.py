"""The command `/omc` with its subcommands and their options, made from `bots.catalog`."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, cast

import discord
from discord import app_commands

from bots.catalog import COMMANDS, PREFERENCES, CommandSpec
from bots.text import one_line
from bots.words import words_of

LONGEST_DESCRIPTION = 100
NAME = "omc"
Interaction = discord.Interaction[Any]
Callback = Callable[..., Coroutine[Any, Any, None]]
Completion = Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]


class Commanded(Protocol):
    """The client that is told of a command."""

    async def commanded(
        self, interaction: Interaction, name: str, text: str, options: Mapping[str, str]
    ) -> None: ...

    async def home(self, interaction: Interaction) -> None: ...

    async def completed(self, interaction: Interaction, option: str, typed: str) -> list[str]: ...


class German(app_commands.Translator):
    """Descriptions for people whose Discord speaks German."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        key = string.extras.get("key")
        if locale is not discord.Locale.german or key is None:
            return None
        return one_line(words_of("de")(key), LONGEST_DESCRIPTION)


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Add the group with all commands of the catalog, and the page that stands for a home."""
    group = app_commands.Group(name=NAME, description=_said("help.title"))
    for spec in COMMANDS:
        group.add_command(_command(spec))
    group.add_command(app_commands.Command(name="home", description=_said("command.home"), callback=_home))
    tree.add_command(group)


def _command(spec: CommandSpec) -> app_commands.Command[Any, Any, Any]:
    make: Mapping[str, Callable[[str], Callback]] = {
        "goal": _with_goal,
        "run": _with_run,
        "runs": _with_runs,
        "words": _with_words,
        "": _alone,
    }
    command: app_commands.Command[Any, Any, Any] = app_commands.Command(
        name=spec.name, description=_said(f"command.{spec.name}"), callback=make[spec.argument](spec.name)
    )
    return command


def _with_goal(name: str) -> Callback:
    @app_commands.describe(**{option: _said(f"option.{option}") for option in ("goal", *PREFERENCES)})
    @app_commands.autocomplete(**{option: _completing(option) for option in PREFERENCES})
    async def callback(
        interaction: Interaction,
        goal: str | None = None,
        coins: str | None = None,
        horizon: str | None = None,
        period: str | None = None,
        budget: str | None = None,
        search: str | None = None,
    ) -> None:
        options = {"coins": coins, "horizon": horizon, "period": period, "budget": budget, "search": search}
        given = {option: value for option, value in options.items() if value}
        await _client(interaction).commanded(interaction, name, goal or "", given)

    return callback


def _with_run(name: str) -> Callback:
    @app_commands.describe(run=_said("option.run"))
    @app_commands.autocomplete(run=_completing("run"))
    async def callback(interaction: Interaction, run: str | None = None) -> None:
        await _client(interaction).commanded(interaction, name, run or "", {})

    return callback


def _with_runs(name: str) -> Callback:
    @app_commands.describe(run=_said("option.run"), other=_said("option.run"))
    @app_commands.autocomplete(run=_completing("run"), other=_completing("run"))
    async def callback(interaction: Interaction, run: str, other: str) -> None:
        await _client(interaction).commanded(interaction, name, f"{run} {other}", {})

    return callback


def _with_words(name: str) -> Callback:
    @app_commands.describe(text=_said("option.text"))
    async def callback(interaction: Interaction, text: str | None = None) -> None:
        await _client(interaction).commanded(interaction, name, text or "", {})

    return callback


def _alone(name: str) -> Callback:
    async def callback(interaction: Interaction) -> None:
        await _client(interaction).commanded(interaction, name, "", {})

    return callback


async def _home(interaction: Interaction) -> None:
    await _client(interaction).home(interaction)


def _completing(option: str) -> Completion:
    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = await _client(interaction).completed(interaction, option, current)
        return [
            app_commands.Choice(
                name=one_line(text, 100), value=text.split(" ")[0] if option == "run" else text[:100]
            )
            for text in found[:25]
        ]

    return complete


def _client(interaction: Interaction) -> Commanded:
    return cast(Commanded, interaction.client)


def _said(key: str) -> app_commands.locale_str:
    return app_commands.locale_str(one_line(words_of("en")(key), LONGEST_DESCRIPTION), key=key)
