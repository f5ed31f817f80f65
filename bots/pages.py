"""Pages that belong to no run: help, the prices there are, a person's home."""

from sqlalchemy import select

from bots import catalog, lookups
from bots.asking import Asked, is_over
from bots.people import usage_lines
from bots.platform import Action, Home, HomeSection, Reply, Table
from bots.replies import state_of
from bots.text import one_line
from storage.models import AnalysisSession, PriceCoverage, PriceSeries


def help_page(asked: Asked) -> Reply:
    """What can be asked for."""
    words = asked.words
    lines = [words("help.title"), ""]
    for spec in catalog.COMMANDS:
        argument = {"": "", "goal": " GOAL", "run": " R-142", "runs": " R-141 R-142", "words": " ..."}[
            spec.argument
        ]
        options = words("help.options", options=", ".join(spec.options)) if spec.options else ""
        admins = words("help.admins") if spec.admins else ""
        more = "; ".join(part for part in (options, admins) if part)
        lines.append(f"{spec.name}{argument}: {words(f'command.{spec.name}')}{f' ({more})' if more else ''}")
    lines += ["", words("help.threads"), words("help.advice")]
    return Reply("\n".join(lines))


def coins(asked: Asked) -> Reply:
    """What prices are held."""
    words = asked.words
    held = asked.db.execute(
        select(PriceCoverage, PriceSeries.simulated)
        .join(PriceSeries, PriceSeries.name == PriceCoverage.series)
        .order_by(PriceCoverage.coin_type, PriceCoverage.series)
    ).all()
    if not held:
        return Reply(words("coins.none"))
    rows = tuple(
        (
            row.coin_type,
            f"{row.series} ({words('coins.simulated')})"
            if simulated and row.series != "simulated"
            else row.series,
            words.day(row.first_at),
            f"{words.minute(row.last_at)} UTC",
            words.count(row.rows),
        )
        for row, simulated in held[:60]
    )
    names = ("coin", "series", "from", "to", "rows")
    table = Table(tuple(words(f"column.{name}") for name in names), (False,) * 4 + (True,), rows)
    more = f"\n+ {len(held) - 60}" if len(held) > 60 else ""
    return Reply(table.text() + more, fixed=True)


def home(asked: Asked) -> Home:
    """One person's page: what runs, what waits for them, the last runs, what they have used."""
    words = asked.words
    rows = [
        row
        for row in lookups.visible(asked.db, asked.speaker, asked.user, limit=60)
        if row.owner_id == asked.user.id
    ]
    running = [row for row in rows if row.status in ("queued", "running")]
    waiting = [row for row in rows if row.status == "awaiting_user"]
    recent = [row for row in rows if is_over(row)][:20]
    new = ("", Action("new", words("button.new"), style="primary"))
    return Home(
        (
            HomeSection(words("home.title"), (words("help.title"),), (new,)),
            _section(asked, "home.waiting", waiting, "type"),
            _section(asked, "home.running", running, "stop"),
            _section(asked, "home.recent", recent, "results"),
            HomeSection(words("home.used"), usage_lines(asked)),
        )
    )


def _section(asked: Asked, title: str, rows: list[AnalysisSession], button: str) -> HomeSection:
    words = asked.words
    if not rows:
        return HomeSection(words(title), (words("home.none"),))
    actions = {
        "type": Action("type", words("button.answer")),
        "stop": Action("stop", words("button.stop"), style="danger"),
        "results": Action("results", words("button.results")),
    }
    return HomeSection(
        words(title),
        tuple(
            f"R-{row.number} · {asked.time(row.created_at)} · {state_of(row, words)} · {one_line(row.goal, 80)}"
            for row in rows
        ),
        tuple((f"R-{row.number}", actions[button]) for row in rows),
    )
