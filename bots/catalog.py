"""The commands people can give: one list for help texts, menus, registration and parsing, free of wording."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Argument = Literal["", "goal", "run", "runs", "words"]


@dataclass(frozen=True)
class CommandSpec:
    """One command: what follows its name, the options it takes, whether only admins may give it.

    Its summary and its options' summaries stand in `bots.words` under `command.<name>` and `option.<name>`.
    """

    name: str
    argument: Argument = ""
    options: tuple[str, ...] = ()
    optional: bool = False  # the argument may be left out
    admins: bool = False
    aliases: tuple[str, ...] = ()


PREFERENCES = ("coins", "horizon", "period", "budget", "search")
COMMANDS: tuple[CommandSpec, ...] = (
    CommandSpec("analyze", "goal", PREFERENCES, optional=True, aliases=("analyse", "run", "ask")),
    CommandSpec("status", "run", optional=True),
    CommandSpec("list", aliases=("runs",)),
    CommandSpec("cancel", "run", aliases=("stop",)),
    CommandSpec("results", "run", aliases=("result", "files")),
    CommandSpec("rerun", "run"),
    CommandSpec("predict", "run"),
    CommandSpec("compare", "runs", aliases=("diff",)),
    CommandSpec("delete", "run"),
    CommandSpec("coins"),
    CommandSpec("usage"),
    CommandSpec("schedule", "words", PREFERENCES, optional=True, aliases=("schedules",)),
    CommandSpec("defaults", "words", optional=True),
    CommandSpec("roles", "words", optional=True),
    CommandSpec("help", "words", optional=True),
)
_BY_NAME = {name: spec for spec in COMMANDS for name in (spec.name, *spec.aliases)}
# Commands that are words of a goal as well: without runs behind them they are one ("predict btc for an hour").
_GOAL_WORDS = frozenset({"predict", "compare", "rerun"})
_RUNS = re.compile(r"(?:[rR]-?)?\d{1,18}(?:[\s,]+(?:(?:and|und|with|mit|vs)\s+)?(?:[rR]-?)?\d{1,18})*\s*$")
_OPTION = re.compile(r"(?:(?<=\s)|^)(?:--(\w+)(?:\s+|=)|(\w+):)(\"[^\"]*\"|\S+)")


@dataclass(frozen=True)
class Line:
    """A typed line taken apart."""

    name: str
    text: str
    options: Mapping[str, str] = field(default_factory=dict)


# Asked for in the design, and not here: whoever types it is told so.
ABSENT = frozenset({"web", "dashboard"})


GREETINGS = frozenset(
    {
        "hello", "hi", "hey", "hi there", "hello there", "hey there", "good morning", "good afternoon", "good evening", "yo",
        "hallo", "moin", "servus", "grüezi", "guten morgen", "guten tag", "guten abend", "tag", "hey omc", "hello omc",
        "hi omc", "hallo omc",
    }
)  # fmt: skip


def is_greeting(text: str) -> bool:
    """Whether a message is no more than a greeting: nothing is begun for it."""
    return " ".join(text.casefold().strip(" .!?,👋").replace(",", " ").split()) in GREETINGS


def find(name: str) -> CommandSpec | None:
    """The command of that name or alias."""
    return _BY_NAME.get(name.casefold())


def parse(line: str) -> Line:
    """What was typed after `/omc` or after a mention: a command's name first, else a goal.

    Options are taken from the words of a goal (`--coins btc,eth` or `coins:btc,eth`).
    """
    words = line.strip()
    first, _, rest = words.partition(" ")
    spec = find(first.strip(",:!?"))
    if not words:
        return Line("analyze", "")
    if words.casefold() in ABSENT:
        return Line(words.casefold(), "")
    if spec is None or (spec.name in _GOAL_WORDS and rest.strip() and not _RUNS.match(rest.strip())):
        spec, rest = _BY_NAME["analyze"], words
    options: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        name = (found[1] or found[2]).casefold()
        if name not in spec.options:
            return found[0]
        options[name] = found[3].strip('"')
        return ""

    text = _OPTION.sub(take, rest) if spec.options else rest
    return Line(spec.name, " ".join(text.split()) if options else text.strip(), options)
