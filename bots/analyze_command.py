"""`omc analyze`: one run from its sentence to its files, with this terminal as its thread."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from storage.database import Database

EXIT_STATUS = {"completed": 0, "failed": 1, "expired": 1, "cancelled": 3}
NO_DATA = 4


@click.command()
@click.argument("goal", nargs=-1, required=True)
@click.option("--coins", metavar="btc,eth", help="The coins to predict, where the goal does not say.")
@click.option("--horizon", metavar="1h", help="How far ahead: 15m, 1h, 4h, 1d.")
@click.option("--period", metavar="90d", help="How much history to use: 90d, 12w, 6m.")
@click.option("--budget", metavar="0.50", help="Dollars its language model may cost.")
@click.option("--search", metavar="2m", help="Time to choose models, settings and features by: 30s, 2m.")
@click.option(
    "--answer", "answers", metavar="TEXT", multiple=True, help="Reply to a question; repeat it for the next."
)
@click.option("--no-input", is_flag=True, help="Never ask: take the recommended answers.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=True),
    help="Where report, notebook, data and charts go.  [default: omc-reports/R-N]",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print only metrics.json on stdout; the thread goes to stderr."
)
@click.pass_context
def analyze(
    ctx: click.Context,
    goal: tuple[str, ...],
    coins: str | None,
    horizon: str | None,
    period: str | None,
    budget: str | None,
    search: str | None,
    answers: tuple[str, ...],
    no_input: bool,
    out: str | None,
    as_json: bool,
) -> None:
    """Ask a question about crypto prices and get a verdict, a report and a notebook that rebuilds it.

    Exit status: 0 completed, 1 failed, 2 bad usage, 3 cancelled, 4 no data.

    \b
      omc analyze "will btc close higher in the next hour? last 90 days"
      omc analyze "forecast eth volatility" --horizon 4h --period 60d --no-input --out eth
    """
    import asyncio
    import sys
    from pathlib import Path

    from bots import commands, exports
    from bots.composition import log_to, open_house, place, speaker
    from bots.live_session import LiveSession
    from bots.platform import Command
    from bots.terminal import Manners

    options = {"coins": coins, "horizon": horizon, "period": period, "budget": budget, "search": search}
    wanted = {name: value for name, value in options.items() if value}
    text = commands.check_goal(" ".join(goal))
    commands.check_preferences(wanted)
    _check_lengths(wanted)
    for reply in answers:
        commands.check_answer(reply)
    exports.check_folder(Path(out) if out else Path("omc-reports"))
    interactive = sys.stdin.isatty() and not no_input
    with open_house() as house:
        _require_prices(ctx, house.database, interactive=interactive and not as_json)
        _check_coins(coins, house.database)
        log_to(house.services.home / "logs" / "analyze.log")
        session = LiveSession(
            house,
            stream=sys.stderr if as_json else sys.stdout,
            manners=Manners(answers, ask=interactive),
            folder=lambda run: Path(out) if out else Path("omc-reports") / run,
        )
        ended = asyncio.run(session.run(Command(speaker(), place(session.thread), "analyze", text, wanted)))
    if ended.left:
        ctx.exit(EXIT_STATUS["cancelled"])
    if as_json and ended.metrics is not None:
        click.echo(ended.metrics)
    if ended.problem:
        click.echo(ended.problem, err=True)
        ctx.exit(1)
    ctx.exit(NO_DATA if ended.no_data else EXIT_STATUS[ended.status])


def _check_lengths(wanted: dict[str, str]) -> None:
    """A horizon or a period that cannot be read is found out before anything starts. Raises UsageError."""
    from datetime import UTC, datetime

    from engine.goals import answering, refusals

    wrong = answering.unread(wanted, datetime.now(UTC), ())
    if wrong is not None:
        refused = refusals.unread(wrong, wanted[wrong])
        raise click.UsageError(f"--{wrong}: {refused.reason} {refused.hint}")


def _check_coins(coins: str | None, database: "Database") -> None:
    """Coins given as an option are meant: no other one is asked about or taken instead. Raises UsageError."""
    from datetime import UTC, datetime

    from engine.goals import answering
    from engine.goals.draft import Draft
    from storage import prices

    if not coins:
        return
    with database.begin() as db:
        held = sorted({item.coin for item in prices.coverage(db)})
    draft = Draft()
    answering.prefer(draft, "coins", coins, datetime.now(UTC), held)
    if not answering.is_said(draft, "coins"):
        raise click.UsageError(
            f"--coins: “{coins[:40]}” names no coin. There are prices of {', '.join(held[:12]).upper()}."
        )


def _require_prices(ctx: click.Context, database: object, *, interactive: bool) -> None:
    """Make sure that there is something to analyse; a person at a terminal is offered help. Raises NoPrices."""
    from bots.errors import NoPrices
    from storage import prices
    from storage.database import Database

    assert isinstance(database, Database)

    def held() -> bool:
        with database.begin() as db:
            return bool(prices.coverage(db))

    if held():
        return
    if interactive:
        from bots.data_commands import data

        click.echo("There are no prices yet. What should be done?")
        offers = {"sample": "make simulated prices to try things on (a few seconds)"}
        if "fetch" in data.commands:
            offers["fetch"] = "fetch 90 days of btc and eth from Binance (needs the internet)"
        for number, (name, said) in enumerate(offers.items(), 1):
            click.echo(f"  {number}. {name}: {said}")
        click.echo(f"  {len(offers) + 1}. stop")
        number = click.prompt("Choose", type=click.IntRange(1, len(offers) + 1), default=1)
        if number <= len(offers):
            name = list(offers)[number - 1]
            arguments = (
                ["--exchange", "binance", "--coins", "btc,eth", "--days", "90"] if name == "fetch" else []
            )
            data.commands[name].main(arguments, prog_name=f"omc data {name}", standalone_mode=False)
            if held():
                return
    raise NoPrices(
        "There are no prices yet. Import your own with `omc data import FILE`, fetch them with "
        "`omc data fetch --exchange binance --coins btc,eth --days 90`, or try `omc data sample`."
    )
