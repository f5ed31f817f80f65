"""The data analyst's tools: put bars in order, compute indicators, make features that cannot see ahead."""

from dataclasses import asdict, replace
from typing import Any

import pandas as pd
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import policies
from engine.errors import ToolError
from engine.science import cleaning, datagate, eda, features, leaks, targets
from engine.science.bars import resample
from engine.science.errors import BadPrices, LooksAhead
from engine.science.indicators import compute
from engine.science.study import Question, default_question
from engine.tools import figures, writing
from engine.tools.coding import execute_python as execute_python
from engine.tools.retrieval import coin_bars
from engine.tools.studies import narrow, read_question
from engine.tools.writing import write_feature as write_feature
from engine.work import Work


@tool
def clean_data(data: str, interval_minutes: int, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Put bars on a regular grid and count what is odd: gaps, duplicates, stale runs, crossed quotes, spikes.

    Prices are never altered: outliers and spikes are flagged and stay, because large moves are real. Of bars that come
    twice the later one is kept, a missing bar becomes an empty row, a range that was not recorded is its close. A period
    that is too broken is shortened or refused, with the reason.

    Args:
        data: a price handle from fetch_price_data.
        interval_minutes: the bar length to work on; bars are joined when it is longer than the stored one.

    Returns the handle `data` of the cleaned bars, the counts per coin with `changes` (what was dropped, marked, filled)
    and `largest_outliers` (times in UTC, moves as shares), and one sentence.
    """
    work = runtime.context
    raw = work.frame(data, "prices")
    coins = [str(coin) for coin in dict.fromkeys(raw["coin"])]
    cleaned: list[pd.DataFrame] = []
    health: dict[str, dict[str, Any]] = {}
    for coin in coins:
        bars = coin_bars(raw, coin)
        report = datagate.check(bars)
        if report.decision == "refuse":
            raise BadPrices("{coin}: {reason}", coin=coin.upper(), reason=report.why)
        ordered = datagate.clean(bars, report)
        joined = resample(ordered, interval_minutes)
        cleaned.append(joined.assign(coin=coin))
        far, largest = cleaning.outliers(ordered)
        health[coin] = {
            **report.as_dict(),
            "outliers": far,
            "largest_outliers": [asdict(one) for one in largest],
            "changes": asdict(cleaning.changes(bars, report, ordered, joined)),
        }
    frame = pd.concat(cleaned)
    source = work.record(data, "prices")
    handle = work.keep_frame(
        "prices",
        frame,
        summary=f"{len(frame):,} bars of {', '.join(coins)} on a regular grid",
        details={**source.details, "health": health, "interval_minutes": interval_minutes},
    )
    return {"data": handle, "bars": len(frame), "coins": health, "summary": policies.in_a_sentence(health)}


@tool
def calculate_technical_indicators(
    data: str, indicators: list[str], runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Compute technical indicators from price bars, in their own units.

    Args:
        data: a price handle from clean_data.
        indicators: names with their window in bars, e.g. ["SMA_20", "EMA_50", "RSI_14", "MACD", "BBANDS"]; also ATR, ADX,
            STOCH, CCI, OBV, MFI, WMA, ROC, WILLR, AROON and the others of the `ta` library. An unknown name is answered
            with those that are near.

    Returns the handle `data` of the indicator columns and their names. Values at a bar use bars up to it only.
    """
    work = runtime.context
    prices = work.frame(data, "prices")
    if not indicators:
        raise ToolError('Name at least one indicator, for example ["SMA_20", "RSI_14"].')
    parts = []
    for coin in dict.fromkeys(prices["coin"]):
        parts.append(compute(coin_bars(prices, coin), indicators).assign(coin=coin))
    frame = pd.concat(parts)
    columns = [column for column in frame.columns if column != "coin"]
    handle = work.keep_frame("indicators", frame, summary=", ".join(columns), details={"prices": data})
    return {"data": handle, "columns": columns}


@tool
def create_features(
    data: str,
    target_variable: str,
    horizon_minutes: list[int],
    indicators: list[str],
    coins: list[str],
    driver_coins: list[str],
    costs_bps: float | None,
    leave_out: list[str],
    runtime: ToolRuntime[Work, Any],
    lags: list[int] | None = None,
    windows: list[int] | None = None,
    calendar: bool | None = None,
    own_features: list[str] | None = None,
) -> dict[str, Any]:
    """Make the feature matrix: lagged returns, rolling statistics, calendar, indicators, other coins' returns.

    Every feature passes the leak gate before it is handed out: it is recomputed on data cut at random bars and must
    not change there, nor depend on where the data begin.

    Args:
        data: a price handle from clean_data.
        target_variable: what will be predicted: "direction", "return" or "volatility".
        horizon_minutes: how far ahead; the first is the one asked for, e.g. [60].
        indicators: indicator names to include as features.
        coins: the coins that are predicted.
        driver_coins: coins that only give features.
        costs_bps: cost per side in basis points as the person stated it, null for the default.
        leave_out: groups to drop after everything is computed, to see what they contribute on the very same bars: an
            indicator ("MACD"), "past returns", "past volatility", "place in the range", "volume", "calendar", or a
            driver coin; [] for none.
        lags: which past returns to include, in bars; 1 is the newest finished bar; null for the usual 1, 2, 3.
        windows: lengths of the rolling statistics, in bars; null for the usual, an hour to a day.
        calendar: whether the hour and the weekday are features; null for the usual (a volatility's only).
        own_features: handles from write_feature; null for none.

    Returns the handle `data`, the feature names, how many bars have all of them, and `horizons`: every horizon to
    train for (a short one is added to find patterns that are too quick to use; it can never be the answer).
    """
    work = runtime.context
    if not coins or not horizon_minutes:
        raise ToolError(
            "Name at least one coin and one horizon, for example coins ['btc'] and horizon_minutes [60]."
        )
    if target_variable not in targets.TARGETS:
        raise ToolError(f"{target_variable!r} is not a target; use one of {', '.join(targets.TARGETS)}.")
    interval = int(work.record(data, "prices").details["interval_minutes"])
    question = default_question(
        target_variable,
        tuple(bars_ahead(minutes, interval) for minutes in horizon_minutes),
        interval,
        indicators=tuple(indicators),
        drivers=tuple(driver_coins),
        stated_cost_bps=costs_bps,
    )
    chosen: dict[str, Any] = {
        "leave_out": tuple(leave_out),
        "written": tuple(writing.read(work, own) for own in dict.fromkeys(own_features or ())),
    }
    if lags is not None:
        chosen["lags"] = tuple(lags)
    if windows is not None:
        chosen["windows"] = tuple(windows)
    if calendar is not None:
        chosen["calendar"] = calendar
    question = replace(question, features=replace(question.features, **chosen))
    handle = _narrowed(work, data, coins, question) or _made(work, data, coins, question)
    frame, record = work.frame(handle, "features"), work.record(handle, "features")
    columns = [column for column in frame.columns if column != "coin"]
    return {
        "data": handle,
        "features": len(columns),
        "columns": columns,
        "groups": list(features.groups(columns)),
        "written": [one.name for one in question.features.written if one.column in columns],
        "usable_rows": int(features.usable(frame[columns]).sum()),
        "leak_cuts": record.details["leak_cuts"],
        "horizons": [horizon * interval for horizon in question.all_horizons],
    }


@tool
def perform_eda(data: str, coins: list[str], topic: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Look at prices without a forecast: rhythm, spread, memory, calm and wild days, falls, correlation, stationarity.

    Everything is looked at whatever the topic; the topic is what the report leads with. Describes the past only.

    Args:
        data: a price handle from clean_data.
        coins: the coins to look at, e.g. ["doge"]; the first one is looked at most closely.
        topic: overview, volatility, distribution, autocorrelation, correlation (two coins or more), drawdown, extremes,
            gaps or volume; or volatility, return or volume by hour, weekday or month, e.g. "volatility_by_hour".

    Returns the handle `results` for the reporting tools, and the main figures of each coin: returns in shares,
    volatility in basis points a bar, times in UTC, [value, low, high] for a figure with its 95 % interval.
    """
    work = runtime.context
    prices = work.frame(data, "prices")
    wanted = list(dict.fromkeys(coin.lower() for coin in coins))
    if not wanted:
        raise ToolError("Name at least one coin to look at, as in fetch_price_data.")
    frames = {coin: coin_bars(prices, coin) for coin in wanted}
    work.check()
    found = eda.explore(frames, topic, work.assignment.seed)
    handle = work.keep(
        "exploration",
        found.to_json(),
        media_type="application/json",
        summary=f"A look at {', '.join(wanted)}: {found.topic}",
        details={"prices": data, "coins": wanted},
    )
    return {
        "results": handle,
        "topic": found.topic,
        **figures.of_look(found),
    }


def _made(work: Work, data: str, coins: list[str], question: Question) -> str:
    """The handle of features that have passed the leak gate. Raises LooksAhead."""
    prices = work.frame(data, "prices")
    parts: list[pd.DataFrame] = []
    cuts = 0
    for coin in coins:
        bars = coin_bars(prices, coin)
        drivers = {driver: coin_bars(prices, driver) for driver in question.features.drivers}
        work.check()
        gate = leaks.check_features(bars, question.features, drivers, work.assignment.seed)
        if not gate.ok:
            raise LooksAhead("{coin}: {reason}", coin=coin.upper(), reason=gate.why)
        cuts += gate.cuts
        written = writing.frame(work, data, coin, question.features.written)
        parts.append(features.build(bars, question.features, drivers, written).assign(coin=coin))
    frame = pd.concat(parts)
    return work.keep_frame(
        "features",
        frame,
        summary=f"{len(frame.columns) - 1} features",
        details={
            **work.record(data, "prices").details,
            "prices": data,
            "question": asdict(question),
            "leak_cuts": cuts,
        },
    )


def _narrowed(work: Work, data: str, coins: list[str], question: Question) -> str | None:
    """The handle of the newest features without those to leave out; None where they are not the same but for that."""
    handle = work.newest("features") if question.features.leave_out else None
    if handle is None:
        return None
    details = work.record(handle, "features").details
    whole = replace(question, features=replace(question.features, leave_out=()))
    held = list(dict.fromkeys(work.frame(handle, "features")["coin"]))
    if (details["prices"], read_question(details["question"]), held) != (data, whole, coins):
        return None
    return narrow(work, handle, question.features.leave_out)


def bars_ahead(minutes: int, interval_minutes: int) -> int:
    """A horizon in bars. Raises ToolError when it is no multiple of a bar."""
    if minutes < interval_minutes or minutes % interval_minutes:
        nearest = max(interval_minutes, round(minutes / interval_minutes) * interval_minutes)
        raise ToolError(
            f"A horizon of {minutes} minutes is no multiple of the {interval_minutes}-minute bars; "
            f"use {nearest} minutes or other bars."
        )
    return minutes // interval_minutes
