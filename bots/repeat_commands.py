"""`omc rerun`, `diff` and `predict`: a finished run again, beside another, and on the newest prices."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from storage.models import AnalysisSession


@click.command()
@click.argument("run")
@click.option(
    "--out", metavar="DIR", type=click.Path(), help="Where the files go.  [default: omc-reports/R-N]"
)
@click.option("--json", "as_json", is_flag=True, help="Print only metrics.json; the thread goes to stderr.")
@click.pass_context
def rerun(ctx: click.Context, run: str, out: str | None, as_json: bool) -> None:
    """Do RUN again with its own seed, prices, plan and ledger position, and compare every figure.

    Exit status: 0 identical, 1 failed or not identical, 3 cancelled.
    """
    import asyncio
    import sys
    from pathlib import Path

    from bots import differences, exports
    from bots.analyze_command import EXIT_STATUS
    from bots.composition import log_to, open_house, place, speaker, words_here
    from bots.live_session import LiveSession
    from bots.platform import Command
    from bots.terminal import Manners
    from storage import sessions

    exports.check_folder(Path(out) if out else Path("omc-reports"))
    with open_house() as house:
        log_to(house.services.home / "logs" / "analyze.log")
        with house.database.begin() as db:
            first = sessions.find(db, run)
        session = LiveSession(
            house,
            stream=sys.stderr if as_json else sys.stdout,
            manners=Manners((), ask=False),
            folder=lambda name: Path(out) if out else Path("omc-reports") / name,
        )
        ended = asyncio.run(session.run(Command(speaker(), place(session.thread), "rerun", run)))
        if ended.left:
            ctx.exit(EXIT_STATUS["cancelled"])
        if ended.problem:
            click.echo(ended.problem, err=True)
            ctx.exit(1)
        if ended.metrics is None:
            ctx.exit(EXIT_STATUS[ended.status])
        again: dict[str, Any] = json.loads(ended.metrics)
        found = differences.compare(first.result or {}, again)
        if as_json:
            click.echo(ended.metrics)
        told = differences.tell(found, f"R-{first.number}", str(again["run"]), words_here())
        click.echo(told, err=as_json)
        ctx.exit(0 if not found.figures else 1)


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Say which inputs of two finished runs differ, and which of them moved which figures."""
    from bots import differences
    from bots.composition import open_house, words_here
    from storage import sessions

    with open_house() as house, house.database.begin() as db:
        rows = [sessions.find(db, name) for name in (first, second)]
    results = [_result(row) for row in rows]
    found = differences.compare(*results)
    one, other = (f"R-{row.number}" for row in rows)
    told = differences.tell(found, one, other, words_here())
    click.echo(json.dumps(differences.as_dict(found), indent=2) if as_json else told)


@click.command()
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print the forecasts as JSON.")
@click.option("--language", default="", hidden=True)
def predict(run: str, as_json: bool, language: str) -> None:
    """Apply the model of a finished RUN to the newest prices, and show how its forecasts have done so far.

    A forecast is kept and scored when its prices have come. Asked again at the same moment, the first one stands.
    """
    from datetime import UTC, datetime

    from bots import forecasts
    from bots.composition import open_house, words_here
    from storage import sessions

    words = words_here()
    language = language or words.language
    with open_house() as house:
        with house.database.begin() as db:
            row = sessions.find(db, run)
        _result(row)
        from engine import speech
        from engine.errors import EngineError
        from engine.forecasting import predict as apply
        from engine.science.errors import ScienceError

        try:
            with speech.speaking(language):
                found = apply(house.database, house.store, row)
        except (EngineError, ScienceError) as error:
            with speech.speaking(language):
                raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps([one.as_dict() for one in found], indent=2))
    else:
        now = datetime.now(UTC)
        told = [forecasts.tell(f"R-{row.number}", one.as_dict(), now, words) for one in found]
        click.echo("\n\n".join(told))


def _result(row: "AnalysisSession") -> dict[str, Any]:
    """A run's metrics. Raises Refusal when it has none."""
    from bots.errors import Refusal

    if row.status != "completed" or row.result is None:
        raise Refusal(f"R-{row.number} has no results: it is {row.status.replace('_', ' ')}.")
    return dict(row.result)
