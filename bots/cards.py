"""How a run stands, in words: the root that names it, and the card with a line for each of its stages."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bots.phrases import stage_name
from bots.platform import Action, Message, StageLine
from bots.progress import Fact, Progress, Stage
from bots.text import duration, one_line
from bots.words import Words

ENDINGS = frozenset({"completed", "failed", "cancelled", "expired"})
STAGE_MARKS = {"running": "▸", "done": "✓", "waiting": "?", "failed": "✗", "stopped": "■"}


def root(progress: Progress, run: str, words: Words) -> Message:
    """The message a thread hangs from."""
    what = progress.title or _title(progress.spec, words) or progress.goal
    state = _verdict_word(progress.ending) or words(f"state.{progress.state}")
    asked = words("asked_by", who=one_line(progress.asked_by, 60)) if progress.asked_by else ""
    follows = words("follows", run=progress.follows) if progress.follows else ""
    if progress.schedule:
        asked = words("asked_by_schedule", schedule=progress.schedule, who=one_line(progress.asked_by, 60))
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
        figures=words.figures,
    )


def _stage_line(stage: Stage, words: Words) -> StageLine:
    detail = stage.summary
    if stage.state == "running" and stage.total:
        label = words(f"work.{stage.label}") if words.knows(f"work.{stage.label}") else stage.label
        unit = words(f"unit.{stage.unit}") if words.knows(f"unit.{stage.unit}") else stage.unit
        detail = f"{label} {unit} {stage.done}/{stage.total}".strip()
    return StageLine(
        mark=STAGE_MARKS[stage.state],
        name=words.named("stage", stage.name),
        word=words(f"stage_state.{stage.state}"),
        detail=one_line(detail, 130),
        seconds=stage.seconds,
        since=stage.started_at if stage.state == "running" else None,
        figures=words.figures,
    )


def _measures(progress: Progress, now: datetime, words: Words, usual_seconds: float) -> str:
    """Step, time, what is left by experience, and what it has cost."""
    parts = []
    steps = max((stage.steps for stage in progress.stages), default=0)
    if steps and progress.state == "running":
        parts.append(words("steps", step=max(stage.step for stage in progress.stages), steps=steps))
    if progress.opened_at is not None:
        elapsed = ((progress.ended_at or now) - progress.opened_at).total_seconds()
        parts.append(words.figures(duration(elapsed)))
        left = usual_seconds - elapsed
        if progress.state == "running" and left > 5:
            parts.append(words("estimate", left=words.figures(duration(left))))
    parts.append(_meter(progress.usage, words))
    return " · ".join(part for part in parts if part)


def _meter(usage: Mapping[str, Any], words: Words) -> str:
    """What the language model has cost: tokens and dollars, of the limit, beside the estimate."""
    estimate = usage.get("estimate") or {}
    about = ""
    if estimate:
        key = "usage.estimate" if estimate.get("priced", True) else "usage.estimate.unpriced"
        about = words(key, tokens=words.count(estimate["tokens"]), cost=words.money(estimate["usd"]))
    if not usage.get("calls"):
        return about
    tokens, cost = words.count(usage["tokens"]), words.money(usage["usd"])
    if not usage.get("priced", True):
        most = usage.get("cap_tokens")
        spent = words("usage.unpriced", tokens=tokens if most is None else f"{tokens} / {words.count(most)}")
    elif usage.get("cap_usd") is not None:
        spent = words("usage.of", tokens=tokens, cost=cost, budget=words.money(usage["cap_usd"]))
    else:
        spent = words("usage", tokens=tokens, cost=cost)
    return f"{spent} ({about})" if about else spent


def _interruption(fact: Fact, words: Words) -> str:
    stage = stage_name(fact.payload, words)
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
        parts.append(words("plan.span", start=_moment(spec["start"], words), end=_moment(spec["end"], words)))
    if spec.get("interval"):
        parts.append(words("plan.bars", interval=spec["interval"]))
    if spec.get("driver_coins"):
        coins = ", ".join(str(coin).upper() for coin in spec["driver_coins"])
        parts.append(words("plan.drivers", coins=coins))
    if spec.get("models"):
        parts.append(", ".join(map(str, spec["models"])))
    if spec.get("costs_bps") is not None and spec.get("target"):
        parts.append(words("plan.costs", bps=words.figures(f"{spec['costs_bps']:g}")))
    if spec.get("search_seconds"):
        parts.append(words("plan.search", time=words.figures(duration(spec["search_seconds"]))))
    return one_line("; ".join(parts), 300)


def _moment(text: Any, words: Words) -> str:
    try:
        return words.minute(datetime.fromisoformat(str(text)))
    except ValueError:
        return str(text)
