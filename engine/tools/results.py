"""From this run's artifacts to its `Result`: a judgement or a look at the data, and what was put beside it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from engine import model_files, notebook
from engine.errors import ToolError
from engine.report import (
    CoinData,
    Data,
    Finding,
    Note,
    Result,
    Spec,
    StageNote,
    Usage,
    Verdict,
    Written,
    exploring,
    gallery,
    pictures,
    studies,
)
from engine.report import judged as judgements
from engine.science import bars, comparing, eda, importance
from engine.science.charts import Chart
from engine.science.study import Question
from engine.speech import say
from engine.tools import writing
from engine.tools.evaluation import Judged, behind, conclude
from engine.tools.retrieval import coin_bars
from engine.work import Work
from storage import questions

WARNINGS = {
    "leakage": "What was asked for would have looked into the future; that part was left out.",
    "unavailable": "Part of what was asked for is not available here and was left out.",
    "missing_coin": "A coin that was asked for is not held and was left out.",
    "period_clipped": "The prices do not cover the whole period asked for; what is held was used.",
}
VENUES = {"coinspot": "CoinSpot", "okx": "OKX", "mexc": "MEXC", "htx": "HTX", "bitmex": "BitMEX"}
KINDS = ("judgement", "exploration")


@dataclass(frozen=True, eq=False)
class Told:
    """A result with its pictures, the prices it rests on, and the judgement behind it where there is one."""

    result: Result
    charts: dict[str, Chart]
    prices: dict[str, pd.DataFrame]
    data: bytes
    judged: Judged | None
    # What the agent wrote as features, per coin; empty where it wrote none.
    written: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The coins of a look at the data, in its order."""
        return tuple(str(coin["coin"]) for coin in (self.result.exploration or {}).get("coins", ()))


def tell(
    work: Work,
    state: Any,
    results: str,
    *,
    indicators: str | None = None,
    parts: Sequence[str] = (),
    draw: bool = True,
) -> Told:
    """Put a result together. `results` is a judgement or an exploration; `parts` stand beside it. Raises ToolError.

    Without `draw` it has no charts, and a look at the data has no findings but its topic.
    """
    record = work.record(results, *KINDS)
    marks = indicators if draw else None
    told = (
        _judgement(work, state, record.details, marks, draw)
        if results.startswith("judgement-")
        else _exploration(work, state, results, record.details, marks, draw)
    )
    return _with_parts(work, told, parts)


def _judgement(
    work: Work, state: Any, details: Mapping[str, Any], indicators: str | None, draw: bool
) -> Told:
    judged = conclude(work, details["forecasts"], details["also_tried"])
    told = judgements.headline(judged.judgements)
    study = told.study
    walked = work.record(behind(work, told.chosen, details["forecasts"]), "forecasts")
    features = work.record(str(walked.details["features"]), "features")
    prices, data = _prices(work, features.details["prices"])
    by_coin = tuple(
        judgements.coin_result(
            j, sealed_openings=judged.openings[j.study.coin], ledger_position=judged.position
        )
        for j in judged.judgements
    )
    head = next(coin for coin in by_coin if coin.coin == study.coin)
    start, end = study.span(slice(0, len(study.prices)))
    result = Result(
        **_common(work, state),
        kind=study.question.target,
        data=_data(features.details, prices, data, start, end).model_copy(
            update={"effective_cost_bps": study.cost.bps, "stated_cost_bps": study.question.stated_cost_bps}
        ),
        models=head.models,
        baselines=head.baselines,
        verdict=head.verdict,
        validation=judgements.validation(told, leak_cuts=features.details["leak_cuts"]).model_copy(
            update={"written": _written(work, study.question)}
        ),
        coin=study.coin,
        by_coin=by_coin if len(by_coin) > 1 else (),
    )
    drawn: dict[str, Chart] = {}
    if draw:
        drawn = pictures.of_judgement(
            result.source(),
            told,
            marks=_marks(work, indicators, study.coin),
            lone=result.study == "importance",
        )
        scene = gallery.Scene(result.source(), told, judged.candidates, prices)
        drawn |= {chart.name: chart for chart in gallery.draw(scene)}
    return Told(
        result, drawn, prices, data, judged, _written_values(work, features.details["prices"], judged)
    )


def _written(work: Work, question: Question) -> tuple[Written, ...]:
    """The features of the chosen rule that the agent wrote, with its reasons."""
    return tuple(
        Written(name=one.name, code=one.code, why=str(work.record(one.handle, writing.KIND).details["why"]))
        for one in question.features.written
    )


def _written_values(work: Work, prices: str, judged: Judged) -> dict[str, pd.DataFrame]:
    """The values of everything that the agent wrote and a rule was tried on, per coin."""
    found: dict[str, pd.DataFrame] = {}
    for coin in dict.fromkeys(rule.coin for rule in judged.candidates):
        rules = [rule for rule in judged.candidates if rule.coin == coin]
        all_of_them = dict.fromkeys(one for rule in rules for one in rule.study.question.features.written)
        values = writing.frame(work, prices, coin, tuple(all_of_them))
        if values is not None:
            found[coin] = values
    return found


def unanswered(work: Work, state: Any, reason: str, code: str) -> tuple[Result, bytes] | None:
    """The result where there can be no answer: no figure, the reason in the verdict's place, and the prices.

    None for a look at the data, and where no prices were loaded.
    """
    handle = work.newest("prices")
    spec = dict(state["spec"])
    if handle is None or spec.get("target") is None:
        return None
    source = work.record(handle, "prices")
    details = {"health": {}, **source.details}
    prices, data = _prices(work, handle)
    stamps = [stamp for frame in prices.values() for stamp in (frame.index[0], frame.index[-1])]
    step = pd.Timedelta(minutes=int(details["interval_minutes"]))
    result = Result(
        **_common(work, state),
        kind=spec["target"],
        data=_data(details, prices, data, min(stamps), max(stamps) + step),
        verdict=Verdict(decision="not_enough_data", reason=reason, reason_code=code),
        coin=spec["coins"][0],
    )
    return result, data


def _exploration(
    work: Work, state: Any, results: str, details: Mapping[str, Any], indicators: str | None, draw: bool
) -> Told:
    content, _ = work.find(results, "exploration")
    found = eda.from_json(content)
    source = work.record(details["prices"], "prices")
    prices, data = _prices(work, details["prices"])
    first = found.coins[0]
    facts = _data(source.details, prices, data, first.start, first.end)
    draft = Result(
        **_common(work, state),
        kind="eda",
        data=facts,
        coin=first.coin,
        findings=(Finding(title=found.topic),),
        exploration=json.loads(content),
    )
    if not draw:
        return Told(draft, {}, prices, data, None)
    shown = exploring.look(
        found,
        {coin.coin: bars.regular(prices[coin.coin]) for coin in found.coins},
        draft.source(),
        facts,
        indicators=_marks(work, indicators, first.coin),
    )
    result = draft.model_copy(
        update={
            "findings": shown.findings,
            "highlights": shown.highlights,
        }
    )
    return Told(result, shown.charts, prices, data, None)


def _with_parts(work: Work, told: Told, parts: Sequence[str]) -> Told:
    result, charts = told.result, dict(told.charts)
    for handle in parts:
        content, _ = work.find(handle, *_PARTS)
        result, charts = _PARTS[handle.rsplit("-", 1)[0]](result, charts, content)
    return replace(told, result=result.with_charts(charts), charts=charts)


def _compared(result: Result, charts: dict[str, Chart], content: bytes) -> tuple[Result, dict[str, Chart]]:
    part = studies.compared(comparing.from_json(content), result.source())
    update = {"findings": (part.finding, *result.findings), "highlights": part.highlights}
    return result.model_copy(update=update), {part.chart.name: part.chart, **charts}


def _weighed(result: Result, charts: dict[str, Chart], content: bytes) -> tuple[Result, dict[str, Chart]]:
    lead = result.study == "importance"
    part = studies.weighed(
        importance.from_json(content), result.source(), lead=lead, wide=result.kind == "volatility"
    )
    more = (part.more,) if part.more else ()
    update = {
        "findings": (*result.findings, part.finding, *more),
        "highlights": result.highlights or (part.highlights if lead else ()),
    }
    return result.model_copy(update=update), {**charts, part.chart.name: part.chart}


def _recommended(result: Result, charts: dict[str, Chart], content: bytes) -> tuple[Result, dict[str, Chart]]:
    return result.model_copy(update={"recommendations": tuple(map(str, json.loads(content)))}), charts


_PARTS = {"comparison": _compared, "importance": _weighed, "recommendations": _recommended}


def _common(work: Work, state: Any) -> dict[str, Any]:
    spec = dict(state["spec"])
    return {
        "run": work.run_name,
        "made_at": datetime.now(UTC),
        "goal": work.assignment.goal,
        "spec": Spec(**spec),
        "study": spec.get("study") or "forecast",
        "usage": _usage(work),
        "seed": work.assignment.seed,
        "versions": model_files.versions(),
        "stage_notes": tuple(
            StageNote(
                stage=stage,
                text=" ".join(part for part in (found["summary"], found.get("note")) if part),
                by=found.get("by", "offline planner"),
            )
            for stage, found in (state.get("findings") or {}).items()
        ),
        "warnings": (
            *(Note(code=code, text=WARNINGS.get(code, code)) for code in spec.get("warnings", ())),
            *_unanswered_questions(work),
        ),
    }


def _unanswered_questions(work: Work) -> list[Note]:
    """A note for each question that was answered by its recommended choice, because nobody else did."""
    with work.database.begin() as db:
        taken = questions.taken_for_granted(db, work.lease.session_id)
    return [
        Note(
            code="unanswered",
            text=say(
                "Nobody answered in time: “{question}”; it went on with “{answer}”."
                if by == "expiry"
                else "Nobody was there to be asked: “{question}”; it went on with “{answer}”.",
                question=question,
                answer=answer,
            ),
        )
        for question, answer, by in taken
    ]


def _usage(work: Work) -> Usage:
    spent = work.budget.spent()
    seconds = work.elapsed_seconds()
    if not spent.calls:
        return Usage(seconds=seconds)
    model = work.models.settings.default_model
    return Usage(tokens=spent.tokens, cost_usd=round(spent.usd, 6), seconds=seconds, model=model)


def _data(
    details: Mapping[str, Any],
    prices: Mapping[str, pd.DataFrame],
    data: bytes,
    start: datetime,
    end: datetime,
) -> Data:
    return Data(
        series=details["series"],
        venue=VENUES.get(details["venue"], details["venue"].title()),
        currency=details["currency"].upper(),
        interval_minutes=details["interval_minutes"],
        rows=sum(map(len, prices.values())),
        start=start,
        end=end,
        newest=datetime.fromisoformat(details["newest"]),
        hash=notebook.data_hash(data),
        simulated=details["simulated"],
        coins=tuple(
            CoinData(
                coin=coin,
                notes=_remarks(counts),
                **{name: v for name, v in counts.items() if name in CoinData.model_fields and name != "coin"},
            )
            for coin, counts in details["health"].items()
        ),
    )


def _remarks(counts: Mapping[str, Any]) -> tuple[str, ...]:
    """What the data gate did to one coin's bars, where it did more than count."""
    found = [str(counts["reason"])] if counts.get("reason") else []
    invalid = int(counts.get("invalid") or 0)
    if invalid:
        found.append(
            f"{invalid:,} bars had no price (NaN, infinite, zero or less) and are treated as missing."
        )
    return tuple(found)


def _prices(work: Work, handle: str) -> tuple[dict[str, pd.DataFrame], bytes]:
    """The cleaned prices of every coin, and the file that people receive of them."""

    def cut() -> tuple[dict[str, pd.DataFrame], bytes]:
        frame = work.frame(handle, "prices")
        prices = {str(coin): coin_bars(frame, str(coin)) for coin in dict.fromkeys(frame["coin"])}
        return prices, notebook.write_data(prices)

    return work.once(("data", handle), cut)


def _marks(work: Work, indicators: str | None, coin: str) -> pd.DataFrame | None:
    """The indicators of the price chart, where there are some for this coin."""
    if not indicators:
        return None
    frame = work.frame(indicators, "indicators")
    if coin not in set(map(str, frame["coin"])):
        raise ToolError(
            f"These indicators are not of {coin}; use those computed from the same prices, or null."
        )
    return coin_bars(frame, coin)
