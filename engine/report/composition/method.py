"""What the prices were and how the verdict was reached, for those who check it."""

from collections.abc import Iterator

from engine.report import wording
from engine.report.document import Block, Bullets, Grid, Heading, Paragraph
from engine.report.result import Result, Validation, Verdict
from engine.science.charts import numbers
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
        columns = (
            "Coin",
            "Bars",
            "First",
            "Missing",
            "Duplicate",
            "Stale",
            "Crossed",
            "Spikes",
            "Largest move",
        )
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
    if result.validation is None or result.verdict is None:
        return
    items = [*_cut(result, result.validation), *_weighed(result, result.verdict)]
    rule = result.validation.settings.get("Rule")
    told = [("Rule", f"{rule}."), *items] if rule else items
    yield Heading("How it was judged")
    yield Bullets(tuple((term, text) for term, text in told if text))


def _cut(result: Result, found: Validation) -> Iterator[tuple[str, str]]:
    """How the bars were cut, and what the models saw of them."""
    bar = result.data.interval_minutes
    if found.train_days is not None and found.judged_days is not None:
        refits = f" with {plural(found.refits, 'refit')}" if found.refits else ""
        yield (
            "Spans",
            f"the first {plural(round(found.train_days), 'day')} train only; "
            f"{plural(round(found.judged_days), 'day')} are judged walk-forward{refits}; the last "
            f"{plural(round(found.sealed_days or 0), 'day')} stay sealed for the chosen rule alone. "
            "Every figure speaks of the judged span unless it says sealed.",
        )
    if found.purge_bars is not None:
        embargo = f", and {numbers.interval(found.embargo_bars * bar)} after it" if found.embargo_bars else ""
        yield (
            "Purge",
            f"{numbers.interval(found.purge_bars * bar)} between training and test are left out{embargo}, so that no "
            "label reaches across.",
        )
    if found.features:
        names = f": {', '.join(found.feature_names)}" if found.feature_names else ""
        yield "Features", f"{count(found.features)}, from prices known when the bar ends{names}."
    for own in found.written:
        why = f": “{own.why.rstrip('.')}”" if own.why else ""
        yield (
            f"Written by the agent, {own.name.replace('_', ' ')}",
            f"a feature in code of its own{why}. It ran in the sandbox alone and passed the leak test; what its author "
            "knew of this period beforehand no test can tell. Its code is in notebook.ipynb and metrics.json.",
        )
    if found.leak_cuts:
        leaks = (
            f"found and left out: {', '.join(found.leaks_found)}"
            if found.leaks_found
            else "no feature looks ahead"
        )
        yield (
            "Leak test",
            f"every feature recomputed on data cut at {plural(found.leak_cuts, 'random bar')}; {leaks}.",
        )


def _weighed(result: Result, verdict: Verdict) -> Iterator[tuple[str, str]]:
    """What was tried, at which costs, and what that came to."""
    yield "Costs", _costs(result)
    if verdict.candidates:
        counted = max(verdict.candidates_counted, verdict.candidates)
        more = (
            f", {count(counted)} with earlier runs on the same prices" if counted > verdict.candidates else ""
        )
        yield (
            "Everything tried counts",
            f"{plural(verdict.candidates, 'rule')}{more}; the p-values are those of the strongest of them all, by "
            "flipping the signs of whole blocks of hours.",
        )
    yield "p-values", _p_values(result)
    if verdict.folds and verdict.folds_positive is not None:
        yield "Folds", f"{verdict.folds_positive} of {verdict.folds} ended positive."
    if verdict.sealed_openings:
        times = "once" if verdict.sealed_openings == 1 else plural(verdict.sealed_openings, "time")
        sealed = (
            f"; the chosen rule {wording.made_or_lost(verdict.sealed_return)} in it"
            if verdict.sealed_return is not None
            else ""
        )
        yield "Sealed span", f"opened {times} for this goal{sealed}."
    yield "Decision", verdict.reason


def _costs(result: Result) -> str:
    """What a trade costs, and why it is taken to cost that; nothing where nothing is traded."""
    data, validation = result.data, result.validation
    if data.effective_cost_bps is None or result.kind == "volatility":
        return ""
    why = validation.settings.get("Costs") if validation else None
    if why:
        return f"{why}. Returns are compounded."
    stated = f" (stated: {basis_points(data.stated_cost_bps)})" if data.stated_cost_bps is not None else ""
    return (
        f"{basis_points(data.effective_cost_bps)} for each side of a trade{stated}. Returns are compounded."
    )


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
    if not known:
        return ""
    luck = (
        ""
        if verdict.p_signal is None
        else (
            " Of prices with no pattern in them one in twenty shows 0.05 or less before costs, and models that draw at "
            "random show another p with another seed: a pattern is believed where it pays, and holds on the sealed span."
        )
    )
    return f"{', '.join(known)}; an edge needs 0.05 or less after costs.{luck}"
