"""What a thread is told: what happened to a session becomes the messages a person reads.

The root names the run and says how it stands, the card shows the stages and is edited as they go on, and a few
events are messages of their own (POSTED). The wording is `bots.words`'; nothing here knows a platform's markup.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bots.platform import LONGEST_TEXT, Action, Choice, Message, Plot, StageLine, Table
from bots.progress import Fact, Progress, Stage
from bots.text import count, duration, money, one_line
from bots.words import Words

# Events that are told in messages of their own (`answered`, `continued`, `discarded` close earlier ones).
POSTED = frozenset(
    {
        "opened", "question", "answered", "reminder", "note", "completed", "failed", "cancelled", "expired",
        "continued", "discarded", "remark", "shared", "files_again",
    }
)  # fmt: skip
# Events after which the root says something else.
CHANGE_ROOT = frozenset(
    {"planned", "goal_changed", "question", "answered", "completed", "failed", "cancelled", "expired", "continued"}
)  # fmt: skip
ENDINGS = frozenset({"completed", "failed", "cancelled", "expired"})

STAGE_MARKS = {"running": "▸", "done": "✓", "waiting": "?", "failed": "✗", "stopped": "■"}
# What to try next: a horizon a few times as long.
LONGER = {"5m": "30m", "15m": "1h", "30m": "2h", "1h": "4h", "2h": "8h", "4h": "1d", "12h": "2d"}


def root(progress: Progress, run: str, words: Words) -> Message:
    """The message a thread hangs from."""
    what = progress.title or _title(progress.spec, words) or progress.goal
    state = _verdict_word(progress.ending) or words(f"state.{progress.state}")
    asked = words("asked_by", who=one_line(progress.asked_by, 60)) if progress.asked_by else ""
    follows = words("follows", run=progress.follows) if progress.follows else ""
    lines = [one_line(progress.goal, 400)] if what != progress.goal else []
    return Message(
        kind="root",
        run=run,
        headline=f"{run} {one_line(what, 200)}",
        strong=run,
        lines=tuple(lines),
        footer=" · ".join(part for part in (asked, follows, state) if part),
    )


def card(
    progress: Progress, run: str, now: datetime, words: Words, usual_seconds: float | None = None
) -> Message:
    """How far a session has come: one line a stage, then what a reader should know.

    `usual_seconds` is how long such runs have taken so far.
    """
    ended = progress.state in ENDINGS
    lines: list[str] = []
    plan = _plan(progress.spec, words)
    if plan:
        lines.append(words("plan", plan=plan))
    lines += [words("note", text=one_line(note, 240)) for note in _notes(progress, words)[:4]]
    if progress.interruption is not None:
        lines.append(_interruption(progress.interruption, words))
    actions = (
        ()
        if ended
        else (
            Action("stop", words("button.stop"), style="danger"),
            Action("details", words("button.details")),
        )
    )
    return Message(
        kind="card",
        run=run,
        headline=f"{run} {words(f'state.{progress.state}')}",
        strong=run,
        stages=tuple(_stage_line(stage, words) for stage in progress.stages),
        lines=tuple(lines),
        footer=_measures(progress, now, words, usual_seconds or 0.0),
        actions=actions,
        state="ended" if ended else "waiting" if progress.state == "waiting" else "working",
        since=progress.opened_at if progress.ended_at is None else None,
    )


def posted(
    fact: Fact, run: str, asker: str | None, words: Words, spec: Mapping[str, Any] | None = None
) -> Message:
    """The message that tells an event of POSTED, all but `opened`. `spec` is what the run worked on."""
    told: dict[str, Callable[[], Message]] = {
        "question": lambda: _question(fact.payload, run, asker, words),
        "reminder": lambda: _reminder(fact.payload, run, asker, words),
        "answered": lambda: _notice(run, answer_line(fact.payload, words)),
        "note": lambda: _notice(run, words("note", text=one_line(str(fact.payload.get("text", "")), 1200))),
        "completed": lambda: _completed(fact.payload, run, asker, words, spec or {}),
        "failed": lambda: _failed(fact.payload, run, asker, words),
        "cancelled": lambda: _cancelled(fact.payload, run, asker, words),
        "expired": lambda: _expired(run, asker, words),
        "remark": lambda: _notice(run, _remark(fact.payload, words)),
        "continued": lambda: _notice(run, _continued(fact.payload, words)),
        "discarded": lambda: _notice(run, words("discarded", who=_by(fact.payload, words), run=run)),
        "shared": lambda: _notice(run, words("shared", who=_by(fact.payload, words), run=run, verdict="")),
        "files_again": lambda: _notice(run, words("files_again", run=run)),
    }
    return fit(told[fact.kind]())


def told_alone(message: Message, why: str, words: Words) -> Message:
    """A message for the asker alone, because its thread cannot be reached: the same, and why it comes here."""
    said = words("told_alone", run=message.run, why=one_line(why, 200))
    return fit(replace(message, lines=(said, *message.lines), mention=None))


def never_opened(run: str, why: str, words: Words) -> Message:
    """A run was stopped because its thread could not be opened."""
    said = words("never_opened", run=run, why=one_line(why, 200))
    return Message(kind="failure", run=run, headline=said, strong=words("cancelled.strong", run=run))


def answered_question(question: Fact, answered: Fact, run: str, words: Words) -> Message:
    """A question's message once it has been answered: no choices any more, and who chose what."""
    return fit(
        Message(
            kind="question",
            run=run,
            headline=one_line(str(question.payload.get("question", "")), 500),
            lines=(answer_line(answered.payload, words),),
            interrupt_id=str(question.payload.get("interrupt_id", "")),
        )
    )


def closed_ending(ending: Message, after: Fact, run: str, words: Words) -> Message:
    """The message of an end that was not the end: no buttons, and what became of the run."""
    return fit(replace(ending, lines=(posted(after, run, None, words).headline,), mention=None, actions=()))


def files_missing(message: Message, why: str, words: Words) -> Message:
    """The finish when its files could not be sent along: it says so and offers to send them again."""
    line = words("files_missing", why=one_line(why, 300))
    again = Action("files", words("button.files"), style="primary")
    return fit(replace(message, lines=(line, *message.lines), actions=(again, *message.actions)))


def shared(finish: Message, who: str, words: Words) -> Message:
    """A finish as everybody in the channel may read it: nobody is called, nothing is asked."""
    headline = words("shared", who=one_line(who, 60), run=finish.run, verdict=finish.headline)
    return fit(replace(finish, kind="notice", headline=headline, strong="", mention=None, actions=()))


def answer_line(said: Mapping[str, Any], words: Words) -> str:
    """Who answered what."""
    answer = one_line(str(said.get("answer", "")), 300)
    if said.get("by") in ("expiry", "default"):
        return words(f"answered.{said['by']}", answer=answer)
    who = one_line(str(said.get("answered_by") or words("someone")), 60)
    return words("answered.changed" if said.get("changed") else "answered", who=who, answer=answer)


def _notice(run: str, text: str) -> Message:
    return Message(kind="notice", run=run, headline=text)


def _question(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    recommended = str(said.get("recommended", ""))
    choices = [str(choice) for choice in said.get("choices", ())]
    expires_at = said.get("expires_at")
    interrupt_id = str(said.get("interrupt_id", ""))
    goes_on = words("question.goes_on", answer=one_line(recommended, 80))
    who = words("question.everyone")
    return Message(
        kind="question",
        run=run,
        headline=one_line(str(said.get("question", "")), 500),
        lines=(words("question.choose" if choices else "question.free", who=who),),
        choices=tuple(Choice(one_line(choice, 60), choice == recommended) for choice in choices[:25]),
        recommended_word=words("recommended"),
        deadline_words=goes_on if recommended else words("question.waits"),
        deadline=datetime.fromisoformat(expires_at) if expires_at else None,
        mention=asker,
        interrupt_id=interrupt_id,
        actions=(Action("type", words("button.type"), interrupt_id),),
        state="waiting",
    )


def _reminder(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    question = one_line(str(said.get("question", "")), 400)
    recommended = one_line(str(said.get("recommended", "")), 80)
    return Message(
        kind="question",
        run=run,
        headline=words("question.reminder", question=question),
        deadline_words=words("question.goes_on", answer=recommended)
        if recommended
        else words("question.waits"),
        deadline=datetime.fromisoformat(said["expires_at"]) if said.get("expires_at") else None,
        mention=asker,
    )


def _completed(
    said: Mapping[str, Any], run: str, asker: str | None, words: Words, spec: Mapping[str, Any]
) -> Message:
    finish: Mapping[str, Any] = said.get("finish") or {}
    # What must be read comes first and last: what does not fit is left out from the end of the lines.
    simulated = finish.get("simulated")
    lines = [words("simulated") if simulated is True else str(simulated)] if simulated else []
    told_below = finish.get("data_age")
    lines += [f"• {one_line(str(b), 260)}" for b in finish.get("bullets", ()) if b != told_below]
    lines += [words("note", text=one_line(str(note), 200)) for note in finish.get("warnings", ())]
    small = (one_line(str(finish.get(part) or ""), 200) for part in ("data_age", "footer"))
    table = _table(finish.get("table"))
    return Message(
        kind="finish",
        run=run,
        headline=one_line(str(finish.get("verdict_line") or words("finish.ready")), 500),
        strong=str(finish.get("verdict_word", "")),
        lines=tuple(lines),
        table=table,
        plot=_plot(table, words),
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
    return (Action("next", words("next.horizon", horizon=longer), f"same but {longer} ahead", "primary"),)


def _failed(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    name = str(said.get("stage") or "")
    stage = words.named("stage", name) if name else ""
    reference = str(said.get("reference") or "")
    message = one_line(str(said.get("message", "")), 1000)
    if (
        name == "planning" and not reference
    ):  # a goal that was refused: to be asked anew, not to be tried again
        strong = words("refused.strong", run=run)
        return Message(kind="failure", run=run, headline=f"{strong}: {message}", strong=strong, mention=asker)
    where = words("failed.where", stage=stage) if stage else ""
    retry = words("button.retry", stage=stage or words("stage.beginning"))
    return Message(
        kind="failure",
        run=run,
        headline=words("failed", run=run, where=where, message=message),
        strong=words("failed.strong", run=run),
        lines=(words("failed.kept"),) if stage and name != "planning" else (),
        footer=words("failed.reference", reference=reference) if reference else "",
        mention=asker,
        actions=(Action("retry", retry, style="primary"), Action("details", words("button.details"))),
    )


def _cancelled(said: Mapping[str, Any], run: str, asker: str | None, words: Words) -> Message:
    name = str(said.get("stage") or "")
    where = words("cancelled.where", stage=words.named("stage", name)) if name else ""
    return Message(
        kind="failure",
        run=run,
        headline=words("cancelled", run=run, where=where),
        strong=words("cancelled.strong", run=run),
        mention=asker,
        actions=(
            Action("resume", words("button.resume"), style="primary"),
            Action("discard", words("button.discard"), style="danger", confirm=words("confirm.discard")),
        ),
    )


def _expired(run: str, asker: str | None, words: Words) -> Message:
    return Message(
        kind="failure",
        run=run,
        headline=words("expired", run=run),
        strong=words("expired.strong", run=run),
        mention=asker,
        actions=(Action("resume", words("button.resume"), style="primary"),),
    )


def _remark(said: Mapping[str, Any], words: Words) -> str:
    text = one_line(str(said.get("text", "")), 300)
    return words("remark.applied" if said.get("applied") else "remark.late", text=text)


def _continued(said: Mapping[str, Any], words: Words) -> str:
    return words("continued", who=_by(said, words), stage=_stage_name(said, words))


def _by(said: Mapping[str, Any], words: Words) -> str:
    return one_line(str(said.get("by") or words("someone")), 60)


def _stage_name(said: Mapping[str, Any], words: Words) -> str:
    name = str(said.get("stage") or "")
    return words.named("stage", name) if name else words("stage.beginning")


def _stage_line(stage: Stage, words: Words) -> StageLine:
    detail = stage.summary
    if stage.state == "running" and stage.total:
        detail = f"{stage.label} {stage.unit} {stage.done}/{stage.total}".strip()
    return StageLine(
        mark=STAGE_MARKS[stage.state],
        name=words.named("stage", stage.name),
        word=words(f"stage_state.{stage.state}"),
        detail=one_line(detail, 130),
        seconds=stage.seconds,
        since=stage.started_at if stage.state == "running" else None,
    )


def _measures(progress: Progress, now: datetime, words: Words, usual_seconds: float) -> str:
    """Step, time, what is left by experience, and what it has cost."""
    parts = []
    steps = max((stage.steps for stage in progress.stages), default=0)
    if steps and progress.state == "running":
        parts.append(words("steps", step=max(stage.step for stage in progress.stages), steps=steps))
    if progress.opened_at is not None:
        elapsed = ((progress.ended_at or now) - progress.opened_at).total_seconds()
        parts.append(duration(elapsed))
        left = usual_seconds - elapsed
        if progress.state == "running" and left > 5:
            parts.append(words("estimate", left=duration(left)))
    parts.append(_meter(progress.usage, words))
    return " · ".join(part for part in parts if part)


def _meter(usage: Mapping[str, Any], words: Words) -> str:
    """What the language model has cost: tokens and dollars, of the limit, beside the estimate."""
    estimate = usage.get("estimate") or {}
    about = ""
    if estimate:
        key = "usage.estimate" if estimate.get("priced", True) else "usage.estimate.unpriced"
        about = words(key, tokens=count(estimate["tokens"]), cost=money(estimate["usd"]))
    if not usage.get("calls"):
        return about
    tokens, cost = count(usage["tokens"]), money(usage["usd"])
    if not usage.get("priced", True):
        most = usage.get("cap_tokens")
        spent = words("usage.unpriced", tokens=tokens if most is None else f"{tokens} / {count(most)}")
    elif usage.get("cap_usd") is not None:
        spent = words("usage.of", tokens=tokens, cost=cost, budget=money(usage["cap_usd"]))
    else:
        spent = words("usage", tokens=tokens, cost=cost)
    return f"{spent} ({about})" if about else spent


def _interruption(fact: Fact, words: Words) -> str:
    stage = _stage_name(fact.payload, words)
    if fact.kind == "requeued":
        return words("interruption.drained", stage=stage)
    return words("interruption.lost", stage=stage, attempt=fact.payload.get("attempt", 2))


def _notes(progress: Progress, words: Words) -> list[str]:
    codes = [f"warning.{code}" for code in progress.spec.get("warnings", ())]
    return [*progress.notes, *(words(code) for code in codes if words.knows(code))]


def _verdict_word(ending: Fact | None) -> str:
    if ending is None or ending.kind != "completed":
        return ""
    return str((ending.payload.get("finish") or {}).get("verdict_word", ""))


def _title(spec: Mapping[str, Any], words: Words) -> str:
    coins = ", ".join(str(coin).upper() for coin in spec.get("coins", ()))
    if not coins:
        return ""
    target = str(spec.get("target") or "eda")
    what = words(f"title.{target}" if words.knows(f"title.{target}") else "title.eda", coins=coins)
    horizon = _horizon(str(spec.get("horizon") or ""), words) if target != "eda" else ""
    return words("title.ahead", what=what, horizon=horizon) if horizon else what


def _horizon(text: str, words: Words) -> str:
    found = re.fullmatch(r"(\d+)(m|min|h|d|w)", text)
    if not found:
        return text
    unit = found[2][0]
    return words(f"horizon.{unit}") if found[1] == "1" else words(f"horizon.{unit}.many", n=found[1])


def _plan(spec: Mapping[str, Any], words: Words) -> str:
    parts = []
    if spec.get("start") and spec.get("end"):
        parts.append(words("plan.span", start=_moment(spec["start"]), end=_moment(spec["end"])))
    if spec.get("interval"):
        parts.append(words("plan.bars", interval=spec["interval"]))
    if spec.get("driver_coins"):
        coins = ", ".join(str(coin).upper() for coin in spec["driver_coins"])
        parts.append(words("plan.drivers", coins=coins))
    if spec.get("models"):
        parts.append(", ".join(map(str, spec["models"])))
    if spec.get("costs_bps") is not None and spec.get("target"):
        parts.append(words("plan.costs", bps=f"{spec['costs_bps']:g}"))
    if spec.get("search_seconds"):
        parts.append(words("plan.search", time=duration(spec["search_seconds"])))
    return one_line("; ".join(parts), 300)


def _moment(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M}"
    except ValueError:
        return str(text)


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


def _plot(table: Table | None, words: Words) -> Plot | None:
    """The column that decides, as bars; None where a value is no plain number."""
    for label, title in (("Net %", "plot.net"), ("Skill %", "plot.skill")):
        if table is None or label not in table.columns:
            continue
        at = table.columns.index(label)
        bars = []
        for row in table.rows:
            figure = row[at].split(" ")[0].replace("−", "-").replace(",", "")
            if not re.fullmatch(r"[+-]?\d+(\.\d+)?", figure):
                return None
            bars.append((row[0], float(figure)))
        return Plot(words(title), "%", tuple(bars)) if len(bars) > 1 else None
    return None


def fit(message: Message) -> Message:
    """Leave out what does not fit: the last lines first, then the table; the headline always stays."""
    cut = "…"
    while len(message.text()) > LONGEST_TEXT and message.lines:
        kept = message.lines[:-1] if message.lines[-1] != cut else message.lines[:-2]
        message = replace(message, lines=(*kept, cut) if kept else ())
    if len(message.text()) > LONGEST_TEXT:
        message = replace(message, table=None)
    while len(message.text()) > LONGEST_TEXT and message.choices:
        message = replace(message, choices=message.choices[:-1])
    return message
