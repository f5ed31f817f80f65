"""The data analyst's tools: put bars in order, compute indicators, make features that cannot see ahead."""

from dataclasses import asdict
from typing import Any

import pandas as pd
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine.errors import ToolError
from engine.science import datagate, features, leaks, targets
from engine.science.bars import resample
from engine.science.features import FeatureSpec, default_spec
from engine.science.indicators import compute
from engine.tools.retrieval import coin_bars
from engine.work import Work
from storage.models import Artifact


@tool
def clean_data(data: str, interval_minutes: int, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Put bars on a regular grid and count what is odd: gaps, duplicates, stale runs, crossed quotes, spikes.

    Prices are never altered: spikes are counted and stay, because large moves are real. A period that is too
    broken is shortened or refused, with the reason.

    Args:
        data: a price handle from fetch_price_data.
        interval_minutes: the bar length to work on; bars are joined when it is longer than the stored one.

    Returns the handle `data` of the cleaned bars, the counts per coin, and one sentence.
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
            raise ToolError(f"{coin}: {report.reason}")
        ordered = resample(datagate.clean(bars, report), interval_minutes)
        cleaned.append(ordered.assign(coin=coin))
        health[coin] = report.as_dict()
    frame = pd.concat(cleaned)
    _, source = work.find(data, "prices")
    handle = work.keep_frame(
        "prices",
        frame,
        summary=f"{len(frame):,} bars of {', '.join(coins)} on a regular grid",
        details={**source.details, "health": health, "interval_minutes": interval_minutes},
    )
    return {"data": handle, "coins": health, "summary": _in_a_sentence(health)}


@tool
def calculate_technical_indicators(
    data: str, indicators: list[str], runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Compute technical indicators from price bars, in their own units.

    Args:
        data: a price handle from clean_data.
        indicators: names with their window in bars, e.g. ["SMA_20", "EMA_50", "RSI_14", "MACD", "BBANDS"].

    Returns the handle `data` of the indicator columns and their names. Values at a bar use bars up to it only.
    """
    work = runtime.context
    prices = work.frame(data, "prices")
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
    indicators: list[str],
    coins: list[str],
    driver_coins: list[str],
    runtime: ToolRuntime[Work, Any],
) -> dict[str, Any]:
    """Make the feature matrix: lagged returns, rolling statistics, calendar, indicators, other coins' returns.

    Every feature passes the leak gate (it is recomputed on data cut at random bars, and must not change) before
    it is handed out.

    Args:
        data: a price handle from clean_data.
        target_variable: what will be predicted: "direction", "return" or "volatility".
        indicators: indicator names to include as features.
        coins: the coins that are predicted.
        driver_coins: coins that only give features.

    Returns the handle `data`, the feature names and how many bars have all of them.
    """
    work = runtime.context
    if target_variable not in targets.TARGETS:
        raise ToolError(f"{target_variable!r} is not a target; use one of {', '.join(targets.TARGETS)}.")
    prices = work.frame(data, "prices")
    _, source = work.find(data, "prices")
    spec = default_spec(
        int(source.details["interval_minutes"]), target_variable, tuple(indicators), tuple(driver_coins)
    )
    parts: list[pd.DataFrame] = []
    cuts = 0
    for coin in coins:
        bars = coin_bars(prices, coin)
        drivers = {driver: coin_bars(prices, driver) for driver in driver_coins if driver != coin}
        gate = leaks.check(lambda cut, of=drivers: features.build(cut, spec, of), bars, work.assignment.seed)
        if not gate.ok:
            raise ToolError(f"{coin}: {gate.reason}")
        cuts += gate.cuts
        parts.append(features.build(bars, spec, drivers).assign(coin=coin))
    frame = pd.concat(parts)
    columns = [column for column in frame.columns if column != "coin"]
    handle = work.keep_frame(
        "features",
        frame,
        summary=f"{len(columns)} features",
        details={
            **source.details,
            "prices": data,
            "target": target_variable,
            "feature_spec": asdict(spec),
            "leak_cuts": cuts,
        },
    )
    usable = int(features.usable(frame[columns]).sum())
    return {"data": handle, "columns": columns, "usable_rows": usable, "leak_cuts": cuts}


def feature_spec(record: Artifact) -> FeatureSpec:
    """The feature spec behind a feature handle."""
    written = record.details["feature_spec"]
    return FeatureSpec(**{key: tuple(v) if isinstance(v, list) else v for key, v in written.items()})


def _in_a_sentence(health: dict[str, dict[str, Any]]) -> str:
    parts = []
    for coin, counts in health.items():
        odd = [
            f"{counts[name]:,} {word}"
            for name, word in (
                ("missing_bars", "missing bars"),
                ("duplicates", "duplicates"),
                ("stale_bars", "stale bars"),
                ("crossed_quotes", "crossed quotes"),
            )
            if counts.get(name)
        ]
        parts.append(f"{coin} {counts['rows']:,} bars, {', '.join(odd) if odd else 'none missing'}")
    return "; ".join(parts)
