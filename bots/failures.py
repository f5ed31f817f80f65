"""How failures reach the person at a terminal: one sentence, the right exit status, and never a traceback."""

import contextlib
import errno
import os
import secrets
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bots.text import clean

FAILED = 1
USAGE = 2
# The bases of expected failures: their texts are fit to be shown. One that was not imported was not raised.
FAMILIES = (
    "bots.errors:BotError",
    "storage.errors:StorageError",
    "jobs.errors:JobsError",
    "engine.errors:EngineError",
    "engine.goals.errors:GoalsError",
    "engine.science.errors:ScienceError",
    "sandbox.errors:SandboxError",
)


def report(error: Exception) -> int:
    """Say what went wrong on stderr; returns the exit status."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.Abort):
        click.echo("Stopped.", err=True)
        return 130
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone: nothing to say, and nobody to say it to.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    if isinstance(error, click.UsageError):
        click.echo(_usage(error), err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        click.echo(clean(error.format_message()), err=True)
        return error.exit_code
    said = explain(error)
    if said is not None:
        click.echo(clean(said), err=True)
        return int(getattr(error, "exit_status", FAILED))
    click.echo(_unexpected(error), err=True)
    return FAILED


def explain(error: Exception) -> str | None:
    """An expected failure in words; None for a bug."""
    if any(isinstance(error, family) for family in _loaded(FAMILIES)):
        return str(error)
    if any(isinstance(error, family) for family in _loaded(("pydantic:ValidationError",))):
        return _setting(error)
    if any(isinstance(error, family) for family in _loaded(("sqlalchemy.exc:OperationalError",))):
        lines = str(getattr(error, "orig", error)).strip().splitlines()
        return (
            f"The database does not answer: {lines[0].rstrip('.') if lines else 'no reason given'}. "
            "Check DATABASE_URL, or unset it to use the built-in database."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        where = f" ({error.filename})" if error.filename else ""
        cause = (error.strerror or "").lower()
        return f"A file could not be written{where}: {cause}. Free some space or choose another place."
    return None


def _loaded(names: tuple[str, ...]) -> list[type[BaseException]]:
    found = []
    for name in names:
        module, _, attribute = name.partition(":")
        family: Any = getattr(sys.modules.get(module), attribute, None)
        if family is not None:
            found.append(family)
    return found


def _setting(error: Any) -> str:
    """A setting that cannot be used, by its name in the environment."""
    first = error.errors()[0]
    name = str(first["loc"][0]).upper() if first["loc"] else "A setting"
    return f"{name} cannot be used: {first['msg'].removeprefix('Value error, ')}. Correct it or unset it."


def _usage(error: click.UsageError) -> str:
    command = error.ctx.command_path if error.ctx else "omc"
    return f"{clean(error.format_message())} Try: {command} --help"


def _unexpected(error: Exception) -> str:
    """Keep the traceback where it can be found, and give a person its reference."""
    reference = secrets.token_hex(4)
    text = f"{datetime.now(UTC).isoformat()} {reference} omc {' '.join(sys.argv[1:3])}\n"
    text += "".join(traceback.format_exception(error))
    for folder in _log_folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            log = folder / "omc.log"
            with log.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text + "\n")
            return f"Something went wrong that should not have (reference {reference}). The details are in {log}."
    return f"Something went wrong that should not have: {type(error).__name__} (reference {reference})."


def _log_folders() -> list[Path]:
    import tempfile

    folders = []
    with contextlib.suppress(Exception):
        from storage.embedded import HomeSettings

        folders.append(HomeSettings().omc_home / "logs")
    return [*folders, Path(tempfile.gettempdir())]
