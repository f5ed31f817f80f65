"""From a result to the report's blocks: verdict first, then what carries it, then how to check it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from engine.report import vocabulary, wording
from engine.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Figure,
    Grid,
    Heading,
    Paragraph,
    VerdictBox,
)
from engine.report.result import ChartRef, CoinResult, Finding, ModelResult, Result, Table
from engine.science.charts import numbers
from engine.science.charts.numbers import basis_points, count, number, p_value, percent, plural

LONG: Final = 14  # rows from which on a narrow table is folded
LINE: Final = 102  # characters of a table's type across the page


def compose(result: Result) -> Document:
    """Put a result into words, tables and figures, verdict first."""
    return Document(
        title=_capital(" ".join(result.goal.split())) or "Untitled analysis",
        subtitle=_subtitle(result),
        run=result.run,
        made_at=numbers.minute(result.made_at),
        simulated=result.data.simulated,
        blocks=tuple(_blocks(result)),
    )


def _blocks(result: Result) -> Iterator[Block]:
    in_findings = {f.chart for f in result.findings}
    figures = [_figure(c) for c in result.charts if c.name not in in_findings]
    if result.data.simulated:
        yield Paragraph(wording.SIMULATED, tone="alarm")
    yield VerdictBox(
        decision=result.verdict.decision if result.verdict else "result",
        word=wording.verdict_word(result),
        sentence=_capital(wording.lead(result)),
        facts=tuple(_facts(result)),
    )
    yield Heading("What we found")
    yield Bullets(tuple(("", text) for text in wording.bullets(result)))
    if result.explanation:
        yield Paragraph(result.explanation)
        yield Paragraph(f"This paragraph was worded by {result.usage.model}; its figures were checked.")
    answer = result.findings[:1] if result.answered else ()
    for finding in answer:  # the box has said it, the first bullet explains it
        yield from _shown(result, finding)
    if result.verdict and figures and not answer:
        yield figures.pop(0)
    yield from _coin_by_coin(result)
    yield from _models(result)
    if result.kind == "eda":
        yield from _findings(result, result.findings)
    if figures:
        yield Heading("A closer look")
        yield from figures
    if result.kind != "eda":
        yield from _findings(result, result.findings[len(answer) :])
        yield from _all_figures(result)
    yield from _data(result)
    yield from _method(result)
    if result.recommendations:
        yield Heading("What to do next")
        yield Bullets(tuple(("", text) for text in result.recommendations))
    yield Heading("What this does not tell you")
    yield Bullets(tuple(("", text) for text in wording.limits(result)))
    yield from _along_the_way(result)
    yield from _rebuild(result)
    if result.verdict:
        yield Heading("Words used here")
        yield Bullets(tuple(_glossary(result)))


def _subtitle(result: Result) -> str:
    data = result.data
    venue = ", ".join(part for part in (data.venue or data.series, data.currency) if part)
    bars = f"{count(data.rows)} {numbers.bar_name(data.interval_minutes)} bars"
    span = f"{numbers.day(data.start, year=True)} to {numbers.day(data.end, year=True)} UTC"
    return " · ".join((venue, bars, span, f"newest bar {numbers.minute(data.newest)}"))


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    verdict, best = result.verdict, result.best
    if result.highlights:
        yield from ((fact.figure, fact.meaning) for fact in result.highlights[:4])
        return
    if verdict is None:
        yield count(result.data.rows), "bars"
        yield (
            plural(round((result.data.end - result.data.start).total_seconds() / 86_400), "day"),
            "of prices",
        )
        missing = sum(c.missing_bars for c in result.data.coins)
        yield count(missing), "missing bars"
        yield result.age_of_data(), "age of the newest price"
        return
    if verdict.decision == "not_enough_data" and verdict.least_edge_shown is not None:
        yield number(verdict.least_edge_shown, 2), "least correlation this sample can show"
        yield number(verdict.least_edge_paying, 2), "correlation that would pay the costs"
    elif best is not None and result.kind == "direction":
        yield percent(best.value("net_return")), f"after costs, {best.name}"
        hold = result.baseline("Buy and hold")
        if hold is not None:
            yield percent(hold.value("net_return")), "buy and hold, same days"
    elif best is not None:
        yield (
            percent(best.value("skill"), digits=1),
            f"smaller error than {verdict.reference or 'the reference'}",
        )
        if best.value("skill_sealed") is not None:
            yield percent(best.value("skill_sealed"), digits=1), "on the sealed span"
    if best is not None and result.kind == "direction" and best.value("balanced_accuracy") is not None:
        yield (
            vocabulary.write("balanced_accuracy", best.value("balanced_accuracy")),
            "right; a coin has 50\u202f%",
        )
    elif best is not None and best.value("r2") is not None:
        yield number(best.value("r2"), 2), "R²: share of the variance explained"
    p, when = (
        (verdict.p_value, "")
        if verdict.decision == "edge" or verdict.p_signal is None
        else (verdict.p_signal, " before costs")
    )
    if p is not None:
        yield p_value(p), f"p-value{when}: how often luck does as well"


def _coin_by_coin(result: Result) -> Iterator[Block]:
    if len(result.by_coin) < 2:
        return
    main = _main_measures(result)[:3]
    net = () if "net_return" in main else ("net_return",) if result.kind == "return" else ()

    def row(coin: CoinResult) -> tuple[tuple[str, str], ...]:
        best = coin.best
        cells = [
            (coin.coin.upper(), ""),
            (wording.WORDS[coin.verdict.decision], ""),
            (best.name if best else numbers.MISSING, ""),
        ]
        cells += [(vocabulary.write(m, best.value(m) if best else None), "") for m in (*main, *net)]
        return (*cells, (p_value(coin.verdict.p_value), ""))

    yield Heading("Coin by coin")
    columns = ("Coin", "Verdict", "Best", *(vocabulary.label(m) for m in (*main, *net)), "p")
    yield Grid(
        columns,
        tuple(row(c) for c in result.by_coin),
        tuple(i > 2 for i in range(len(columns))),
        marked=next((i for i, c in enumerate(result.by_coin) if c.coin == result.headline_coin), None),
        caption="The p-values are corrected for the rules tried on all coins together.",
    )


def _models(result: Result) -> Iterator[Block]:
    if not result.models:
        return
    shown = _main_measures(result)
    beside = [b for b in result.baselines if any(b.value(m) is not None for m in shown)]
    rows = [*result.models, *beside]
    yield Heading("Models beside baselines")
    yield _table(result, rows, shown, caption=_models_caption(result))


def _models_caption(result: Result) -> str:
    days = result.validation.judged_days if result.validation else None
    span = f"the same {plural(round(days), 'day')}" if days else "the same bars"
    coin = f"{result.headline_coin.upper()}, " if len(result.by_coin) > 1 else ""
    cost = result.data.effective_cost_bps
    text = f"{coin}out of sample, on {span}" + (
        f", after {basis_points(cost)} a side" if cost is not None else ""
    )
    return _capital(f"{text}; small figures are 95\u202f% intervals.")


def _main_measures(result: Result) -> tuple[str, ...]:
    """The measures of the first table: those of the kind of question that were taken, six at most."""
    rows = [*result.models, *result.baselines]
    return tuple(m for m in vocabulary.TABLE[result.kind] if any(r.value(m) is not None for r in rows))[:6]


def _all_figures(result: Result) -> Iterator[Block]:
    shown = _main_measures(result)
    rest = tuple(
        m
        for m in vocabulary.MEASURES
        if m not in shown and any(r.value(m) is not None for r in result.models)
    )
    for start in range(0, len(rest), 5):
        if start == 0:
            yield Heading("More figures")
        yield _table(result, list(result.models), rest[start : start + 5])


def _table(result: Result, rows: list[ModelResult], metrics: tuple[str, ...], caption: str = "") -> Grid:
    figures = [[vocabulary.write(m, row.value(m)) for m in metrics] for row in rows]
    small = [[vocabulary.write_interval(m, row.metrics.get(m)) for m in metrics] for row in rows]
    labels = [vocabulary.label(m) for m in metrics]
    for at in _without_room([row.name for row in rows], labels, figures, small):
        for line in small:
            line[at] = ""
    return Grid(
        columns=("Model", *labels),
        rows=tuple(
            ((row.name, row.note), *zip(written, intervals, strict=True))
            for row, written, intervals in zip(rows, figures, small, strict=True)
        ),
        right=(False, *(True for _ in metrics)),
        marked=next((i for i, row in enumerate(rows) if row is result.best), None),
        rule_before=len(result.models) if len(rows) > len(result.models) else None,
        caption=caption,
    )


def _without_room(
    names: list[str], labels: list[str], figures: list[list[str]], small: list[list[str]]
) -> list[int]:
    """The columns, from the right, whose intervals do not fit on the page; metrics.json has them all."""
    widths = [max(len(label), *(len(row[at]) for row in figures)) + 2.5 for at, label in enumerate(labels)]
    extra = [0.8 * max(len(row[at]) for row in small) for at in range(len(labels))]
    left_out = []
    used = max(map(len, names)) + 2 + sum(widths) + sum(extra)
    for at in reversed(range(len(labels))):
        if used > LINE and extra[at]:
            left_out.append(at)
            used -= extra[at]
    return left_out


def _findings(result: Result, findings: tuple[Finding, ...]) -> Iterator[Block]:
    for finding in findings:
        yield Heading(finding.title)
        if finding.text:
            yield Paragraph(finding.text, tone="lead" if finding.chart or finding.table else "plain")
        yield from _shown(result, finding)


def _shown(result: Result, finding: Finding) -> Iterator[Block]:
    """A finding's picture, whose title was said above it, and its table."""
    chart = next((c for c in result.charts if c.name == finding.chart), None)
    if chart is not None:
        yield replace(_figure(chart), title="")
    if finding.table:
        yield _grid(finding.table)


def _data(result: Result) -> Iterator[Block]:
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


def _method(result: Result) -> Iterator[Block]:
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


def _along_the_way(result: Result) -> Iterator[Block]:
    items = [("Note", w.text) for w in result.warnings]
    items += [
        (n.stage.replace("_", " ").capitalize() + (f" ({n.by})" if n.by else ""), n.text)
        for n in result.stage_notes
    ]
    if items:
        yield Heading("Along the way")
        yield Bullets(tuple(items))


def _rebuild(result: Result) -> Iterator[Block]:
    usage = result.usage
    cost = f", {usage.cost_usd:.2f} USD" if usage.cost_usd is not None else ""
    took = f"{count(usage.seconds)} s, " if usage.seconds is not None else ""
    yield Heading("Rebuild it")
    yield Paragraph(
        "The notebook beside this report recomputes every figure from data.parquet and compares it with "
        "metrics.json. "
        f"The run took {took}{count(usage.tokens)} tokens{cost} ({usage.model}).",
        tone="lead",
    )
    facts = {
        "run": result.run,
        "data": result.data.hash,
        "seed": "" if result.seed is None else str(result.seed),
    } | result.versions
    yield Code(
        f"omc rerun {result.run}\n" + "\n".join(f"{name}: {value}" for name, value in facts.items() if value)
    )


def _glossary(result: Result) -> Iterator[tuple[str, str]]:
    shown = _main_measures(result)
    yield from ((vocabulary.MEASURES[m].label, f"{vocabulary.MEASURES[m].meaning}.") for m in shown)
    trade = ("Break-even cost", "Buy and hold") if result.kind == "volatility" else ()
    yield from ((term, f"{text}.") for term, text in vocabulary.GLOSSARY if term not in trade)


def _figure(ref: ChartRef) -> Figure:
    return Figure(ref.name, ref.title, ref.subtitle, ref.alt, ref.wide)


def _grid(table: Table) -> Grid:
    columns = tuple(c.label for c in table.columns)
    right = tuple(c.unit not in ("text", "time") for c in table.columns)
    rows = tuple(
        tuple(
            (vocabulary.write_cell(cell, column.unit), "")
            for cell, column in zip(row, table.columns, strict=False)
        )
        for row in table.rows
    )
    if len(rows) > LONG and len(columns) <= 4:  # a long and narrow table stands in two halves side by side
        half = -(-len(rows) // 2)
        empty = tuple(("", "") for _ in columns)
        rows = tuple(
            (*left, *(rows[at + half] if at + half < len(rows) else empty))
            for at, left in enumerate(rows[:half])
        )
        columns, right = columns * 2, right * 2
    return Grid(columns, rows, right, caption=table.caption)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
