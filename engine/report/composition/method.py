"""What the prices were and how the verdict was reached, for those who check it."""

from collections.abc import Iterator

from engine.report import wording
from engine.report.document import Block, Bullets, Grid, Heading, Paragraph
from engine.report.result import Result
from engine.science.charts.numbers import basis_points, count, p_value, percent, plural


def data(result: Result) -> Iterator[Block]:
    """What was counted in each coin's prices before they were cleaned."""
    data = result.data
    yield Heading("The data")
    yield Paragraph(
        f"Series {data.series}; one series is never mixed with another. A bar is known when it ends. "
        f"{wording.data_age(result)}",
        tone="lead" if data.coins else "plain",
    )
    if data.coins:
        columns = ("Coin", "Bars", "First", "Missing", "Double", "Stale", "Crossed", "Spikes", "Largest move")
        yield Grid(
            columns,
            tuple(
                (
                    (c.coin.upper(), ""),
                    (count(c.rows), ""),
                    (f"{c.start:%Y-%m-%d}", ""),
                    (count(c.missing_bars), ""),
                    (count(c.duplicates), ""),
                    (count(c.stale_bars), ""),
                    (count(c.crossed_quotes), ""),
                    (count(c.spikes), ""),
                    (
                        percent(c.largest_move),
                        f"{c.largest_move_at:%Y-%m-%d %H:%M}" if c.largest_move_at else "",
                    ),
                )
                for c in data.coins
            ),
            (False, *(True for _ in columns[1:])),
            caption="Counted before cleaning. Large moves are kept: most are real.",
        )
    notes = [*data.notes, *(f"{c.coin.upper()}: {note}" for c in data.coins for note in c.notes)]
    if notes:
        yield Bullets(tuple(("", note) for note in notes))


def judging(result: Result) -> Iterator[Block]:
    """How the verdict was reached; nothing for a look at the data."""
    validation, verdict, data = result.validation, result.verdict, result.data
    if validation is None or verdict is None:
        return
    v = validation
    found: list[tuple[str, str]] = []
    if v.train_days is not None and v.judged_days is not None:
        refits = f" with {plural(v.refits, 'refit')}" if v.refits else ""
        found.append(
            (
                "Spans",
                f"the first {plural(round(v.train_days), 'day')} train only; "
                f"{plural(round(v.judged_days), 'day')} are judged "
                f"walk-forward{refits}; the last {plural(round(v.sealed_days or 0), 'day')} stay sealed "
                "for the chosen rule alone. "
                "Every figure speaks of the judged span unless it says sealed.",
            )
        )
    if v.purge_bars is not None:
        embargo = f", and {plural(v.embargo_bars, 'bar')} after it" if v.embargo_bars else ""
        found.append(
            (
                "Purge",
                f"{plural(v.purge_bars, 'bar')} between training and test are left out{embargo}, so "
                "that no label reaches across.",
            )
        )
    if v.features:
        names = f": {', '.join(v.feature_names)}" if v.feature_names else ""
        found.append(("Features", f"{count(v.features)}, from prices known when the bar ends{names}."))
    if v.leak_cuts:
        leaks = (
            f"found and left out: {', '.join(v.leaks_found)}" if v.leaks_found else "no feature looks ahead"
        )
        found.append(
            (
                "Leak test",
                f"every feature recomputed on data cut at {plural(v.leak_cuts, 'random bar')}; {leaks}.",
            )
        )
    if data.effective_cost_bps is not None and result.kind != "volatility":
        stated = (
            f" (stated: {basis_points(data.stated_cost_bps)})" if data.stated_cost_bps is not None else ""
        )
        found.append(
            (
                "Costs",
                f"{basis_points(data.effective_cost_bps)} for each side of a trade{stated}. Returns are "
                "compounded.",
            )
        )
    if verdict.candidates:
        counted = max(verdict.candidates_counted, verdict.candidates)
        more = (
            f", {count(counted)} with earlier runs on the same prices" if counted > verdict.candidates else ""
        )
        found.append(
            (
                "Everything tried counts",
                f"{plural(verdict.candidates, 'rule')}{more}; the p-values are those of the strongest of "
                "them all, by "
                "flipping the signs of whole blocks of hours.",
            )
        )
    found.append(("p-values", _p_values(result)))
    if verdict.folds and verdict.folds_positive is not None:
        found.append(("Folds", f"{verdict.folds_positive} of {verdict.folds} ended positive."))
    if verdict.sealed_openings:
        times = "once" if verdict.sealed_openings == 1 else plural(verdict.sealed_openings, "time")
        sealed = (
            f"; the chosen rule {wording.made_or_lost(verdict.sealed_return)} in it"
            if verdict.sealed_return is not None
            else ""
        )
        found.append(("Sealed span", f"opened {times} for this goal{sealed}."))
    found.append(("Decision", verdict.reason))
    found += [(name.replace("_", " ").capitalize(), str(value)) for name, value in v.settings.items()]
    yield Heading("How it was judged")
    yield Bullets(tuple((term, text) for term, text in found if text))


def _p_values(result: Result) -> str:
    verdict = result.verdict
    if verdict is None:
        return ""
    parts = [
        (verdict.p_signal, "before costs"),
        (verdict.p_late, "entered one bar late"),
        (verdict.p_value, "after costs" if result.kind != "volatility" else "against every reference"),
    ]
    known = [f"{p_value(p)} {words}" for p, words in parts if p is not None]
    return f"{', '.join(known)}; an edge needs 0.05 or less." if known else ""
