"""The finish of a run in words: its verdict, its findings, its table, and what is likely to be asked next."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots.phrases import fit
from bots.platform import Action, Message, Plot, Table
from bots.text import one_line
from bots.words import Words

# What to try next: a horizon a few times as long.
LONGER = {"5m": "30m", "15m": "1h", "30m": "2h", "1h": "4h", "2h": "8h", "4h": "1d", "12h": "2d"}


def completed(
    said: Mapping[str, Any], run: str, asker: str | None, words: Words, spec: Mapping[str, Any]
) -> Message:
    finish: Mapping[str, Any] = said.get("finish") or {}
    # What must be read comes first and last: what does not fit is left out from the end of the lines.
    simulated = finish.get("simulated")
    lines = [words("simulated") if simulated is True else str(simulated)] if simulated else []
    told_below = finish.get("data_age")
    lines += [f"• {one_line(str(b), 260)}" for b in finish.get("bullets", ()) if b != told_below]
    lines += [words("note", text=one_line(str(note), 300)) for note in finish.get("warnings", ())]
    small = (one_line(str(finish.get(part) or ""), 200) for part in ("data_age", "footer"))
    in_english = words("finish.in_english")
    lines += [in_english] if in_english and said.get("files") else []
    table = _table(finish.get("table"))
    return Message(
        kind="finish",
        run=run,
        headline=one_line(str(finish.get("verdict_line") or words("finish.ready")), 500),
        strong=str(finish.get("verdict_word", "")),
        lines=tuple(lines),
        table=table,
        plot=_plot(finish.get("table") or {}, table, words),
        footer=" · ".join(part[:1].upper() + part[1:] for part in small if part),
        mention=asker,
        charts=tuple(map(str, finish.get("charts", ()))),
        actions=(
            *_next_steps(spec, words),
            Action("share", words("button.share")),
            Action("thumbs_up", words("button.thumbs_up")),
            Action("thumbs_down", words("button.thumbs_down")),
        ),
    )


def _next_steps(spec: Mapping[str, Any], words: Words) -> tuple[Action, ...]:
    """The likeliest next step: the same, further ahead."""
    longer = LONGER.get(str(spec.get("horizon") or ""))
    if longer is None:
        return ()
    goal = words("next.goal", horizon=longer)
    return (Action("next", words("next.horizon", horizon=longer), goal, "primary"),)


def files_missing(message: Message, why: str, words: Words) -> Message:
    """The finish when its files could not be sent along: it says so and offers to send them again."""
    line = words("files_missing", why=one_line(why, 300))
    again = Action("files", words("button.files"), style="primary")
    return fit(replace(message, lines=(line, *message.lines), actions=(again, *message.actions)))


def shared(finish: Message, who: str, words: Words) -> Message:
    """A finish as everybody in the channel may read it: nobody is called, nothing is asked."""
    headline = words("shared", who=one_line(who, 60), run=finish.run, verdict=finish.headline)
    return fit(replace(finish, kind="notice", headline=headline, strong="", mention=None, actions=()))


def _table(said: Mapping[str, Any] | None) -> Table | None:
    if not said:
        return None
    columns = said["columns"]
    return Table(
        columns=tuple(str(column["label"]) for column in columns),
        right=tuple(column.get("align") == "right" for column in columns),
        rows=tuple(tuple(one_line(str(cell), 40) for cell in row) for row in said["rows"][:12]),
        marked=said.get("marked"),
        note=one_line(str(said.get("note") or ""), 120),
    )


# What the column that decides shows, by its English label, which older runs have kept alone.
_DECIDES = {"net": "plot.net", "skill": "plot.skill", "Net %": "plot.net", "Skill %": "plot.skill"}


def _plot(said: Mapping[str, Any], table: Table | None, words: Words) -> Plot | None:
    """The column that decides, as bars; None where a value is no plain number."""
    columns = list(enumerate(said.get("columns") or ()))
    decides = [(at, c.get("decides") or c["label"]) for at, c in columns]
    found = next(((at, _DECIDES[what]) for at, what in decides if what in _DECIDES), None)
    if table is None or found is None:
        return None
    at, title = found
    bars = []
    for row in table.rows:
        figure = words.plain(row[at].split(" ")[0])
        if figure is None:
            return None
        bars.append((row[0], figure))
    return Plot(words(title), "%", tuple(bars)) if len(bars) > 1 else None
