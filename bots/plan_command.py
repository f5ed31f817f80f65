"""`omc plan`: a dry run. A goal is read and what would be done is shown; nothing is run."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from engine.goals import Outcome, Spec

# Where only the names of coins are given, their history is taken to be longer than anybody asks for.
ASSUMED_HISTORY = timedelta(days=3650)


@click.command()
@click.argument("goal", nargs=-1)
@click.option("--now", metavar="ISO", help="The moment to read the goal at (default: the newest bar held).")
@click.option("--coins-available", "coins", metavar="btc,eth", help="Read it as if these coins were held.")
@click.option("--batch", type=click.Path(path_type=Path), help="Answer each line of a JSON Lines file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    goal: tuple[str, ...], now: str | None, coins: str | None, batch: Path | None, as_json: bool
) -> None:
    """Read GOAL and show what would be done: run, ask or refuse. Runs nothing.

    With --batch each line of the file is an object with id and goal, and if need be after, available_coins,
    coverage and now; the answers are lines of {id, outcome, spec, asked_about}. No prices are needed then.
    """
    if batch is not None:
        if goal or now or coins:
            raise click.UsageError("--batch takes goals, coins and times from its file.")
        if not as_json:
            raise click.UsageError("--batch writes JSON lines: add --json.")
        _answer_all(batch)
        return
    if not goal:
        raise click.UsageError('Say a goal, for example: omc plan "will btc close higher in the next hour?"')
    from bots.commands import check_goal

    text = check_goal(" ".join(goal))
    moment = _moment(now, "--now") if now else None
    outcome = _read_as_if(text, coins, moment) if coins is not None else _read_held(text, moment)
    click.echo(json.dumps(outcome.as_dict(), ensure_ascii=False, indent=2) if as_json else describe(outcome))


def describe(outcome: "Outcome") -> str:
    """What would be done, in words."""
    from engine.goals import Ask, Refuse, Run

    match outcome:
        case Refuse(reason=reason, hint=hint):
            return f"Refuse: {reason} {hint}".strip()
        case Ask():
            lines = [f"Ask about {outcome.about}: {outcome.question}"]
            for number, choice in enumerate(outcome.choices, 1):
                lines.append(
                    f"  {number}. {choice}{' (recommended)' if choice == outcome.recommended else ''}"
                )
            return "\n".join(lines)
        case Run(spec=spec):
            return "\n".join(["Run:", *_slots(spec)])


def _slots(spec: "Spec") -> list[str]:
    """A line for each slot, with the words or the default its value comes from."""
    written = spec.as_dict()
    reasons = spec.reasons
    if len(spec.horizons) < 2:
        del written["horizons"]
    lines = []
    for name, value in written.items():
        if name in _UNSHOWN or value in (None, [], ""):
            continue
        said = ", ".join(map(str, value)) if isinstance(value, list) else value
        why = reasons.get(_REASON_OF.get(name, name))
        if name == "coins":
            read_as = [
                f"“{reasons[key]}” read as {key.partition(':')[2].upper()}"
                for key in reasons
                if key[:8] == "read_as:"
            ]
            why = "; ".join([*read_as, *([why] if why and not read_as else [])])
        if name == "warnings":
            why = "; ".join(reasons[f"warning:{code}"] for code in value if f"warning:{code}" in reasons)
        lines.append(f"  {name:<13} {said}{f'   ({why})' if why else ''}")
    return lines


_UNSHOWN = ("stated", "costs_stated", "reasons")
_REASON_OF = {"period_days": "period", "costs_bps": "costs"}


def _read_as_if(goal: str, coins: str, now: datetime | None) -> "Outcome":
    from engine import goals
    from engine.goals import Coverage

    moment = now or datetime.now(UTC)
    names = [name.strip().lower() for name in coins.split(",") if name.strip()]
    held = {name: Coverage(moment - ASSUMED_HISTORY, moment) for name in names}
    return goals.read(goal, now=moment, coverage=held)


def _read_held(goal: str, now: datetime | None) -> "Outcome":
    """Read a goal against the prices that are held."""
    from bots.composition import open_house
    from bots.errors import NoPrices
    from engine import goals
    from engine.goals import Coverage
    from storage import prices

    with open_house() as house, house.database.begin() as db:
        rows = prices.coverage(db)
        chosen = {coin: prices.default_series(db, [coin]) for coin in {row.coin for row in rows}}
    held = {row.coin: Coverage(row.start, row.end) for row in rows if chosen[row.coin] == row.series}
    if not held:
        raise NoPrices(
            "There are no prices yet, so nothing can be planned. Try `omc data sample`, "
            "or name coins with --coins-available."
        )
    newest = max(coverage.end for coverage in held.values())
    outcome = goals.read(goal, now=now or newest, coverage=held)
    if now is None and isinstance(outcome, goals.Run):
        # "Now" is the end of the newest bar held for all of the coins the goal names.
        wanted = (*outcome.spec.coins, *outcome.spec.driver_coins)
        end = min((held[coin].end for coin in wanted if coin in held), default=newest)
        if end < newest:
            outcome = goals.read(goal, now=end, coverage=held)
    return outcome


def _answer_all(path: Path) -> None:
    """Print one line of JSON for each line of the file; a line that cannot be answered spoils no other."""
    from engine.goals.batch import BadLine, Batch

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read as text: {error}.") from error
    batch = Batch()
    failed = False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            answer = batch.answer(line)
        except BadLine as error:
            failed = True
            click.echo(f"{path}, line {number}, cannot be answered: {error}", err=True)
            continue
        click.echo(json.dumps(answer, ensure_ascii=False))
    if failed:
        raise click.exceptions.Exit(1)


def _moment(text: str, what: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.UsageError(
            f"{what}: {text[:40]!r} is not a time. Write it as 2023-09-27T12:00:00Z."
        ) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
