"""`omc status`, `list`, `answer`, `cancel` and `results`: the same commands as in a chat, from a shell."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bots.platform import Reply


@click.command()
@click.argument("run", required=False, default="")
def status(run: str) -> None:
    """Show how RUN stands (R-142 or 142), or everything that is not done."""
    _command("status", run)


@click.command("list")
def list_runs() -> None:
    """List the newest runs."""
    _command("list", "")


@click.command()
@click.argument("words", nargs=-1)
@click.option("--coins", metavar="btc,eth", help="The coins to predict, where the goal does not say.")
@click.option("--horizon", metavar="1h", help="How far ahead: 15m, 1h, 4h, 1d.")
@click.option("--period", metavar="90d", help="How much history to use: 90d, 12w, 6m.")
@click.option("--budget", metavar="0.50", help="Dollars its language model may cost, each time.")
def schedule(
    words: tuple[str, ...], coins: str | None, horizon: str | None, period: str | None, budget: str | None
) -> None:
    """Ask a goal again at set times, show the schedules there are, or stop one.

    A worker or `omc sweeper` has to live then; times that were missed make one run together.

    \b
      omc schedule daily at 8 "will btc close higher in the next hour?"
      omc schedule every 6 hours "forecast eth volatility" --period 60d
      omc schedule
      omc schedule stop S-1
    """
    options = {"coins": coins, "horizon": horizon, "period": period, "budget": budget}
    given = {name: value for name, value in options.items() if value}
    _command("schedule", " ".join(words), given)


@click.command()
@click.argument("run")
def cancel(run: str) -> None:
    """Stop RUN. What was done is kept."""
    _command("cancel", run)


@click.command()
@click.argument("run")
@click.argument("text", nargs=-1, required=True)
def answer(run: str, text: tuple[str, ...]) -> None:
    """Answer the question of RUN: the number of a choice, or your own words. The first answer counts."""
    from bots import commands
    from bots.composition import open_house, speaker
    from bots.platform import Answer

    with open_house() as house:
        _say(commands.handle(house.backend, Answer(speaker(), run, " ".join(text))))


@click.command()
@click.argument("run")
@click.option("--out", metavar="DIR", type=click.Path(), help="Write the run's files into DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print only metrics.json (with --trace: the trace).")
@click.option(
    "--trace", is_flag=True, help="Show what its agents were asked, did and answered, and the cost."
)
@click.option("--full", is_flag=True, help="With --trace: cut nothing.")
def results(run: str, out: str | None, as_json: bool, trace: bool, full: bool) -> None:
    """Show a finished RUN again: its verdict, its files, its metrics; or the trace of any run."""
    if trace:
        _trace(run, as_json=as_json, full=full)
        return
    from pathlib import Path

    from bots import commands, replies
    from bots.composition import open_house, words_here
    from bots.errors import Refusal
    from bots.exports import write_files
    from bots.live_session import read_metrics
    from bots.platform import File
    from bots.text import unfenced
    from storage import sessions

    words = words_here()
    with open_house() as house:
        with house.database.begin() as db:
            row = sessions.find(db, run)
            facts = commands.facts_of(db, row.id)
        name = f"R-{row.number}"
        told = replies.finish(facts, name, words)
        if told is None:
            raise Refusal(words("no_results", run=name, state=replies.state_of(row, words)))
        named = next(fact for fact in reversed(facts) if fact.kind == "completed").payload.get("files") or []
        if as_json:
            click.echo(read_metrics(house.store, named))
        else:
            click.echo(unfenced(told))
        if out is not None:
            contents = [
                File(file["name"], file["media_type"], house.store.read(file["sha256"])) for file in named
            ]
            written = write_files(contents, Path(out))
            click.echo(words("terminal.files_written", n=len(written), folder=out), err=as_json)
        elif not as_json and named:
            names = ", ".join(file["name"] for file in named)
            click.echo(words("terminal.files_kept", run=name, names=names))


def _trace(run: str, *, as_json: bool, full: bool) -> None:
    import json

    from bots import trace
    from bots.composition import open_house
    from storage import sessions

    with open_house() as house, house.database.begin() as db:
        messages = sessions.messages(db, sessions.find(db, run).id)
    if as_json:
        click.echo(json.dumps(trace.as_json(messages), ensure_ascii=False, indent=2))
        return
    for line in trace.lines(messages, full=full):
        click.echo(line)


def _command(name: str, text: str, options: "Mapping[str, str] | None" = None) -> None:
    from bots import commands
    from bots.composition import open_house, place, speaker
    from bots.platform import Command

    with open_house() as house:
        _say(commands.handle(house.backend, Command(speaker(), place(), name, text, options or {})))


def _say(reply: "Reply") -> None:
    from bots.text import unfenced

    click.echo(unfenced(reply.text), err=not reply.ok)
    if not reply.ok:
        raise click.exceptions.Exit(1)
