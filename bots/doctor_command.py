"""`omc doctor`: what is configured, what can be reached, and what to do about the rest."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from storage.database import Database
    from storage.embedded import Services

Word = Literal["ok", "note", "failed"]
MARKS: dict[Word, str] = {"ok": "✓", "note": "·", "failed": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `failed` means that runs cannot work until it is put right."""

    about: str
    word: Word
    said: str


@click.command()
@click.option("--check-model", is_flag=True, help="Ask each language model once (a few hundred tokens).")
def doctor(check_model: bool) -> None:
    """Check what is configured and whether it works. Exit status 1 when something that is needed does not."""
    failed = False
    for finding in _examine(check_model=check_model):
        failed = failed or finding.word == "failed"
        click.echo(f"{MARKS[finding.word]} {finding.word:<6} {finding.about:<9} {finding.said}")
    if failed:
        raise click.exceptions.Exit(1)


def _examine(*, check_model: bool) -> Iterator[Finding]:
    from storage.embedded import HomeSettings, connect
    from storage.errors import StorageError

    yield Finding("python", "ok", f"{sys.version.split()[0]} on {sys.platform}")
    yield _try("home", lambda: _home(HomeSettings()))
    yield _try("limits", _limits)
    yield _try("sandbox", _sandbox)
    yield from _models(check=check_model)
    yield _try("agents", _agents)
    try:
        services = connect()
    except StorageError as error:
        yield Finding("servers", "failed", str(error))
        return
    from storage.database import Database

    with services:
        database = Database(services.database_url)
        try:
            yield _try("database", lambda: _database(database))
            yield _try("queue", lambda: _queue(services))
            yield _try("files", lambda: _files(services))
            yield _try("prices", lambda: _prices(database))
            yield _try("workers", lambda: _workers(database))
            yield _try("slack", _slack)
            yield _try("discord", _discord)
            yield from _untold(database)
        finally:
            database.close()


def _try(about: str, look: Callable[[], tuple[Word, str]]) -> Finding:
    """A look that may fail: an expected failure is a finding."""
    from bots.failures import explain

    try:
        word, said = look()
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        return Finding(about, "failed", explained)
    return Finding(about, word, said)


def _home(settings: object) -> tuple[Word, str]:
    from storage.embedded import HomeSettings

    assert isinstance(settings, HomeSettings)
    home = settings.omc_home
    nearest = home
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.access(nearest, os.W_OK | os.X_OK):
        return "failed", f"{home} cannot be written to. Set OMC_HOME to a folder of yours."
    return "ok", str(home)


def _limits() -> tuple[Word, str]:
    from bots.access import AccessSettings

    return "ok", f"at most {AccessSettings().max_concurrent_sessions} unfinished runs a person"


def _sandbox() -> tuple[Word, str]:
    """A run tries to break out of a sandbox made for that; runs without agents' own code work all the same."""
    from sandbox import Sandbox, SandboxError

    try:
        with Sandbox.start() as sandbox:
            held = sandbox.check()
    except SandboxError as error:
        return "note", f"code execution is off. {error}"
    walls = f"Landlock {held.landlock}, seccomp{', namespaces' if held.namespaces else ''}"
    where = "" if held.own else f", at {sandbox.address}"
    return "ok", f"the self-test could not get out ({walls}){where}"


def _models(*, check: bool) -> Iterator[Finding]:
    """The language models: who thinks, at what price, within what limits. They are asked only when that is wanted."""
    from pydantic import ValidationError

    from engine.agents import AGENTS
    from engine.budget import BudgetSettings
    from engine.llm import diagnosis
    from engine.llm.models import Models, worded
    from engine.proposal import AGENT as PLANNING

    try:
        budgets = BudgetSettings()
    except ValidationError as error:
        yield Finding("model", "failed", worded(error))
        return
    models = Models.of_environment(budgets.llm_prices)
    try:
        if models.problem:
            yield Finding(
                "model", "failed", f"{models.problem} Until then runs go on with the offline planner."
            )
        elif not models.are_there:
            yield Finding(
                "model", "note", "none: the offline planner thinks, at no cost; see “A language model”"
            )
        else:
            yield Finding("model", "ok", diagnosis.described(models))
            agents = (PLANNING, *AGENTS, *_own_agents())
            for agent in diagnosis.unknown_agents(models, agents):
                yield Finding(
                    "model", "failed", f"LLM_MODELS names {agent!r}; there are {', '.join(agents)}."
                )
            known, said = diagnosis.priced(models)
            yield Finding("model", "ok" if known else "note", said)
            yield Finding("budget", "ok", diagnosis.limited(budgets))
            for name in diagnosis.names(models) if check else ():
                works, said = diagnosis.tried(models, name)
                yield Finding("model", "ok" if works else "failed", said)
    finally:
        models.close()


def _agents() -> tuple[Word, str]:
    own = _own_agents()
    return (
        ("ok", f"ours and {', '.join(own)}")
        if own
        else ("ok", "ours alone; OMC_AGENTS names a folder of your own")
    )


def _own_agents() -> tuple[str, ...]:
    """The names of people's own agents, where a folder of them is named. Raises BadAgent."""
    from engine.custom_agents import AgentSettings, load

    folder = AgentSettings().omc_agents
    return tuple(stage.name for stage in load(folder)) if folder else ()


def _database(database: "Database") -> tuple[Word, str]:
    from bots.composition import has_own_database
    from storage.database import is_current, upgrade

    own = has_own_database()
    where = "DATABASE_URL" if own else "built in"
    with database.engine.connect() as connection:
        version = connection.exec_driver_sql("show server_version").scalar()
    if not is_current(database.engine):
        if own:
            return "failed", f"Postgres {version} ({where}); its tables are outdated. Run: omc db upgrade"
        upgrade(database.url)
    return "ok", f"Postgres {version} ({where}), tables up to date"


def _queue(services: "Services") -> tuple[Word, str]:
    from jobs import queue

    client = queue.connect(services.redis_url)
    try:
        with queue.reachable(client):
            facts = client.info("server")
            waiting = queue.open_queue(client).count
    finally:
        client.close()
    name = "Valkey" if "valkey_version" in facts else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version")
    return "ok", f"{name} {version}, {waiting} in line"


def _files(services: "Services") -> tuple[Word, str]:
    from storage.artifacts import ArtifactSettings, open_store

    settings = ArtifactSettings()
    store = open_store(settings, services.home)
    probe = store.put(b"omc doctor\n")
    store.delete(probe.sha256)
    where = settings.artifact_storage_path or services.home / "artifacts"
    return "ok", f"{where}, at most {settings.artifact_max_size_mb} MB a file"


def _prices(database: "Database") -> tuple[Word, str]:
    from storage import prices

    with database.begin() as db:
        held = prices.coverage(db)
    if not held:
        return "note", "none yet. Try: omc data sample"
    coins = sorted({item.coin for item in held})
    newest = max(item.end for item in held)
    simulated = " (all SIMULATED)" if all(item.simulated for item in held) else ""
    listed = ", ".join(coins[:8]) + (", ..." if len(coins) > 8 else "")
    return "ok", f"{len(coins)} coins{simulated}: {listed}; newest bar ends {newest:%Y-%m-%d %H:%M} UTC"


def _workers(database: "Database") -> tuple[Word, str]:
    from storage.presence import count_workers

    alive = count_workers(database)
    if not alive:
        return "note", "none at work; `omc analyze` starts its own"
    return "ok", f"{alive} at work"


def _slack() -> tuple[Word, str]:
    from bots.errors import Refusal
    from bots.slack.settings import SlackSettings

    settings = SlackSettings()
    given = (settings.slack_bot_token, settings.slack_app_token, settings.slack_client_id)
    if not any(given):
        return "note", "not set up; see “In Slack” in the README"
    try:
        settings.require()
    except Refusal as error:
        return "failed", str(error)
    how = "Socket Mode" if settings.mode == "socket" else "HTTP"
    return "ok", f"set up for {how}{', other workspaces can install it' if settings.installs else ''}"


def _discord() -> tuple[Word, str]:
    from bots.discord.settings import DiscordSettings
    from bots.errors import Refusal

    settings = DiscordSettings()
    if not settings.discord_bot_token:
        return "note", "not set up; see “In Discord” in the README"
    try:
        settings.require()
    except Refusal as error:
        return "failed", str(error)
    return "ok", "set up"


def _untold(database: "Database") -> Iterator[Finding]:
    """What chats have not been told: what waits for too long, and what was given up, newest first."""
    from datetime import UTC, datetime

    from bots.messages import POSTED
    from bots.text import duration, one_line
    from storage import events

    with database.begin() as db:
        waiting, oldest = events.waiting_since(db, POSTED)
        lost = events.given_up(db)
        numbers = {event.session_id: events.run_number(db, event) for event in lost}
    if oldest is None:
        yield Finding("told", "ok", "nothing waits to be told in a chat")
    else:
        age = (datetime.now(UTC) - oldest).total_seconds()
        said = f"{waiting} messages wait to be told, the oldest for {duration(age)}"
        yield Finding(
            "told", "note" if age > 60 else "ok", f"{said}{'; is the bot running?' if age > 60 else ''}"
        )
    for event in lost:
        said = f"R-{numbers[event.session_id]} {event.kind}: {one_line(str(event.error), 160)}"
        yield Finding("given up", "note", said)
