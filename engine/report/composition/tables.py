"""The tables of a report: coins, models beside baselines, and the figures that people bring along."""

from collections.abc import Iterator
from typing import Final

from engine.report import vocabulary, widths, wording
from engine.report.document import Block, Grid, Heading
from engine.report.result import CoinResult, ModelResult, Result, Table
from engine.science.charts import numbers
from engine.science.charts.numbers import basis_points, p_value, plural

LONG: Final = 14  # rows from which on a narrow table is folded


def coin_by_coin(result: Result) -> Iterator[Block]:
    """The verdict of each coin, where a goal names several."""
    if len(result.by_coin) < 2:
        return
    main = main_measures(result)[:3]
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


def models(result: Result) -> Iterator[Block]:
    """Every model beside what it has to beat, on the same bars."""
    if not result.models:
        return
    shown = main_measures(result)
    beside = [b for b in result.baselines if any(b.value(m) is not None for m in shown)]
    rows = [*result.models, *beside]
    yield Heading("Models beside baselines")
    yield _table(result, rows, shown, caption=_models_caption(result))


def more_figures(result: Result) -> Iterator[Block]:
    """The measures that the first table has no room for, five a table."""
    shown = main_measures(result)
    rest = tuple(
        m
        for m in vocabulary.MEASURES
        if m not in shown and any(r.value(m) is not None for r in result.models)
    )
    for start in range(0, len(rest), 5):
        if start == 0:
            yield Heading("More figures")
        yield _table(result, list(result.models), rest[start : start + 5])


def grid(table: Table) -> Grid:
    """A table of a finding as the report sets it; a long and narrow one is folded."""
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
            (*left, ("", ""), *(rows[at + half] if at + half < len(rows) else empty))
            for at, left in enumerate(rows[:half])
        )
        columns, right = (*columns, "", *columns), (*right, False, *right)
    return Grid(columns, rows, right, caption=table.caption)


def main_measures(result: Result) -> tuple[str, ...]:
    """The measures of the first table: those of the kind of question that were taken, six at most."""
    rows = [*result.models, *result.baselines]
    return tuple(m for m in vocabulary.TABLE[result.kind] if any(r.value(m) is not None for r in rows))[:6]


def _models_caption(result: Result) -> str:
    days = result.validation.judged_days if result.validation else None
    span = f"the same {plural(round(days), 'day')}" if days else "the same bars"
    coin = f"{result.headline_coin.upper()}, " if len(result.by_coin) > 1 else ""
    cost = result.data.effective_cost_bps
    text = f"{coin}out of sample, on {span}" + (
        f", after {basis_points(cost)} a side" if cost is not None else ""
    )
    return wording.capital(f"{text}; small figures are 95\u202f% intervals.")


def _table(result: Result, rows: list[ModelResult], metrics: tuple[str, ...], caption: str = "") -> Grid:
    rows = [vocabulary.of_kind(row, result.kind) for row in rows]
    metrics = tuple(vocabulary.name_of_kind(m, result.kind) for m in metrics)
    columns = ("Model", *(vocabulary.label(m) for m in metrics))
    best = result.best
    return Grid(
        columns=columns,
        rows=_fitted(
            columns,
            [
                [
                    (row.name, row.note),
                    *(
                        (vocabulary.write(m, row.value(m)), vocabulary.write_interval(m, row.metrics.get(m)))
                        for m in metrics
                    ),
                ]
                for row in rows
            ],
        ),
        right=(False, *(True for _ in metrics)),
        marked=next((i for i, row in enumerate(rows) if best and row.name == best.name), None),
        rule_before=len(result.models) if len(rows) > len(result.models) else None,
        caption=caption,
    )


def _fitted(
    columns: tuple[str, ...], rows: list[list[tuple[str, str]]]
) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The rows without the intervals, from the right, that do not fit on the page; metrics.json has them all."""
    for at in reversed(range(1, len(columns))):
        if widths.fits(columns, rows):
            break
        for row in rows:
            row[at] = (row[at][0], "")
    return tuple(map(tuple, rows))
