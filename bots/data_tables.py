"""How `omc data` looks on a terminal: tables of what is held and what an import found."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from storage.importing.raw import Reject
from storage.importing.report import CoinReport, Report
from storage.prices import Coverage, Gap
from storage.series import interval_text

CHART_WIDTH = 48
_MOST_GAPS = 30
_WIDEST = 200
NOTHING_HELD = (
    "No prices are held yet. Bring your own with `omc data import FILE`, fetch them with "
    "`omc data fetch --exchange binance --coins btc,eth --days 90`, or try `omc data sample`."
)
_SHADES = " ░▒▓█"


def plain(text: str) -> str:
    """Text from outside without anything a terminal would obey."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def show_coins(held: Sequence[Coverage], defaults: Mapping[str, str]) -> None:
    """Everything that is held, one line per coin and series."""
    table = _table("coin", "series", "from (UTC)", "to (UTC)", "bars", "step", "")
    for item in sorted(held, key=lambda item: (item.coin, item.series)):
        mark = "*" if defaults[item.coin] == item.series else " "
        table.add_row(
            item.coin,
            f"{mark} {item.series}",
            _day(item.start),
            _minute(item.end),
            f"{item.rows:,}",
            interval_text(item.interval_seconds),
            "SIMULATED" if item.simulated else "",
        )
    _print(table)
    _print("* is used when no series is named. Prices of different series are never mixed.")


def show_understood(report: Report) -> None:
    """How a file was read, before anything is written."""
    _print(Text(plain(report.file), style="bold"))
    for what, words in report.understood.items():
        _print(f"  {what:<8} {plain(words)}")


def show_import(report: Report) -> None:
    """What became of each coin of a file, and what a person should look at."""
    table = _table("coin", "series", "rows", "bars", "new", "updated", "same", "dupl.", "gaps", "missing")
    for coin in report.coins:
        counts = (coin.rows, coin.bars, coin.new, coin.updated, coin.same, coin.duplicates)
        table.add_row(
            coin.coin, coin.series, *(f"{count:,}" for count in (*counts, coin.gaps, coin.missing_bars))
        )
    _print(table)
    for coin in report.coins[:12]:
        for line in _remarks(coin):
            _print(f"  {coin.coin}: {line}")
    if len(report.coins) > 12:
        _print(f"  ... and {len(report.coins) - 12} more coins; --json shows all.")
    if report.rejects:
        _print(f"  {_count(len(report.rejects), 'line')} set aside (--json lists them all):")
        by_reason: dict[str, list[Reject]] = {}
        for reject in report.rejects:
            by_reason.setdefault(reject.reason, []).append(reject)
        for reason, rejects in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            _print(f"    {len(rejects):,} x {plain(reason)}")
            for reject in rejects[:2]:
                _print(f"      line {reject.line}: {plain(reject.text)}")
    if not report.written:
        _print("  Nothing was written (--dry-run).")


def show_stats(report: CoinReport) -> None:
    """One coin in one series."""
    _print(Text(f"{report.coin} in {report.series}", style="bold"))
    _print(f"  {report.bars:,} bars from {report.start} to {report.end}")
    for line in _remarks(report) or ["no gaps, spikes, stale runs or crossed quotes"]:
        _print(f"  {line}")


def show_health(
    held: Sequence[Coverage],
    gaps: Mapping[tuple[str, str], Sequence[Gap]],
    drawn: Mapping[tuple[str, str], Sequence[int]],
    now: datetime,
) -> None:
    """Coverage as a chart: one line per coin, darker where more of the bars are there."""
    for series in sorted({item.series for item in held}):
        members = [item for item in held if item.series == series]
        start, end = min(item.start for item in members), max(item.end for item in members)
        label = " SIMULATED" if members[0].simulated else ""
        _print(Text(f"{series}{label}", style="bold"))
        _print(f"  {'':<7}{_day(start)}{_day(end):>{CHART_WIDTH - 10}}")
        for item in members:
            full = (end - start).total_seconds() / CHART_WIDTH / item.interval_seconds
            line = "".join(_shade(count / full) for count in drawn[series, item.coin])
            missing = sum(gap.missing_bars for gap in gaps[series, item.coin])
            share = item.rows / max(item.rows + missing, 1)
            _print(f"  {item.coin:<6} {line}  {share:7.2%}  {_age(now - item.end)} old")
        worst = [
            (item.coin, gap)
            for item in members
            for gap in sorted(gaps[series, item.coin], key=lambda gap: -gap.missing_bars)[:3]
        ]
        for coin, gap in worst[:_MOST_GAPS]:
            _print(f"  {coin:<6} no bars {_minute(gap.start)} to {_minute(gap.end)} ({gap.missing_bars:,})")
        if (all_gaps := sum(len(gaps[series, item.coin]) for item in members)) > len(worst[:_MOST_GAPS]):
            _print(f"  {all_gaps:,} gaps in all; --json lists them.")
    _print("  Darker is fuller; the share is of the bars between a coin's first and last.")


def health_json(
    held: Sequence[Coverage], gaps: Mapping[tuple[str, str], Sequence[Gap]], now: datetime
) -> list[dict[str, Any]]:
    """The same as plain values."""
    return [
        {
            "coin": item.coin,
            "series": item.series,
            "simulated": item.simulated,
            "start": item.start.isoformat(),
            "end": item.end.isoformat(),
            "rows": item.rows,
            "age_seconds": max(int((now - item.end).total_seconds()), 0),
            "missing_bars": sum(gap.missing_bars for gap in gaps[item.series, item.coin]),
            "gaps": [
                {"start": gap.start.isoformat(), "end": gap.end.isoformat(), "missing_bars": gap.missing_bars}
                for gap in gaps[item.series, item.coin]
            ],
        }
        for item in held
    ]


def _remarks(coin: CoinReport) -> list[str]:
    """What is worth saying of a coin's bars, most serious first."""
    lines = []
    if coin.shifted:
        lines.append(coin.shifted)
    if coin.conflicts:
        times = _count(len(coin.conflicts), "time")
        lines.append(
            f"{times} with rows that differ (the one with more volume counts): {_few(coin.conflicts)}"
        )
    if coin.merged:
        lines.append(f"{_count(coin.merged, 'finer row')} went into the bars that contain them")
    if coin.incomplete:
        lines.append(f"{_count(coin.incomplete, 'unfinished bar')} at the ends left out")
    if coin.gaps:
        missing = _count(coin.missing_bars, "bar")
        lines.append(f"{_count(coin.gaps, 'gap')}, {missing} missing; the longest: {coin.longest_gap}")
    if coin.spikes:
        lines.append(
            f"{_count(len(coin.spikes), 'spike')} that came straight back (kept): {_few(coin.spikes)}"
        )
    if coin.stale_runs:
        runs = _count(coin.stale_runs, "run")
        lines.append(f"{runs} without any change, the longest of {coin.longest_stale_bars} bars")
    if coin.crossed_quotes:
        lines.append(f"{_count(coin.crossed_quotes, 'quote')} with the bid above the ask (kept)")
    if abs(coin.largest_move) >= 0.05:
        move = f"{coin.largest_move:+.1%} at {coin.largest_move_at}"
        lines.append(f"largest move of one bar {move} (kept: large moves are real)")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _few(times: Sequence[str]) -> str:
    return ", ".join(times[:3]) + (" ..." if len(times) > 3 else "")


def _shade(share: float) -> str:
    return _SHADES[0] if share <= 0 else _SHADES[min(1 + int(share * 3.2), 4)]


def _age(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    left = {"coin", "series", "from (UTC)", "to (UTC)", "step", ""}
    for header in headers:
        table.add_column(header, justify="left" if header in left else "right", no_wrap=True)
    return table


def _print(thing: Table | Text | str) -> None:
    # Made anew each time: the stream may be another one by then.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    # No figure is cut to fit: a pipe is as wide as its text, and a narrow terminal folds the line.
    console.width = max(console.width, _WIDEST)
    console.print(thing)
