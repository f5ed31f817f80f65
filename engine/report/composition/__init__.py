"""From a result to the report's blocks: verdict first, then what carries it, then how to check it."""

from collections.abc import Iterator
from dataclasses import replace

from engine.report import wording
from engine.report.composition import method, provenance, tables
from engine.report.composition.verdict_box import facts
from engine.report.document import Block, Bullets, Document, Figure, Heading, Paragraph, VerdictBox
from engine.report.result import ChartRef, Finding, Result
from engine.science.charts import numbers
from engine.science.charts.numbers import count


def compose(result: Result) -> Document:
    """Put a result into words, tables and figures, verdict first."""
    return Document(
        title=wording.capital(" ".join(result.goal.split())) or "Untitled analysis",
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
        sentence=wording.capital(wording.lead(result)),
        facts=tuple(facts(result)),
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
    yield from tables.coin_by_coin(result)
    yield from tables.models(result)
    if result.kind == "eda":
        yield from _findings(result, result.findings)
    if figures:
        yield Heading("A closer look")
        yield from figures
    if result.kind != "eda":
        yield from _findings(result, result.findings[len(answer) :])
        yield from tables.more_figures(result)
    yield from method.data(result)
    yield from method.judging(result)
    if result.recommendations:
        yield Heading("What to do next")
        yield Bullets(tuple(("", text) for text in result.recommendations))
    yield Heading("What this does not tell you")
    yield Bullets(tuple(("", text) for text in wording.limits(result)))
    yield from provenance.along_the_way(result)
    yield from provenance.rebuild(result)
    yield Heading("Words used here")
    yield Bullets(tuple(provenance.glossary(result)), small=True)


def _subtitle(result: Result) -> str:
    data = result.data
    venue = ", ".join(part for part in (data.venue or data.series, data.currency) if part)
    bars = f"{count(data.rows)} {numbers.bar_name(data.interval_minutes)} bars"
    span = f"{numbers.day(data.start, year=True)} to {numbers.day(data.end, year=True)} UTC"
    return " · ".join((venue, bars, span, f"newest bar {numbers.minute(data.newest)}"))


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
        yield tables.grid(finding.table)


def _figure(ref: ChartRef) -> Figure:
    return Figure(ref.name, ref.title, ref.subtitle, ref.alt, ref.wide)
