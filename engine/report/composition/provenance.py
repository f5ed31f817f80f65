"""Who did what on the way, how to rebuild the result, and what the words mean."""

from collections.abc import Iterator

from engine.report import vocabulary
from engine.report.composition.tables import main_measures
from engine.report.document import Block, Bullets, Code, Heading, Paragraph
from engine.report.result import Result
from engine.science.charts.numbers import count


def along_the_way(result: Result) -> Iterator[Block]:
    """Warnings, and what each stage noted."""
    items = [("Note", w.text) for w in result.warnings]
    items += [
        (n.stage.replace("_", " ").capitalize() + (f" ({n.by})" if n.by else ""), n.text)
        for n in result.stage_notes
    ]
    if items:
        yield Heading("Along the way")
        yield Bullets(tuple(items))


def rebuild(result: Result) -> Iterator[Block]:
    """How to get the same figures again, and what they rest on."""
    usage = result.usage
    cost = f", {usage.cost_usd:.2f} USD" if usage.cost_usd is not None else ""
    took = f"{count(usage.seconds)} s, " if usage.seconds is not None else ""
    how = (
        "The notebook beside this report recomputes every figure from data.parquet and compares it with "
        "metrics.json."
        if result.models or result.verdict is None
        else "The prices it stopped at are in data.parquet beside this report."
    )
    yield Heading("Rebuild it")
    yield Paragraph(
        f"{how} The run took {took}{count(usage.tokens)} tokens{cost} ({usage.model}).",
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


def glossary(result: Result) -> Iterator[tuple[str, str]]:
    """The terms of this report with their meaning."""
    shown = main_measures(result)
    yield from ((vocabulary.MEASURES[m].label, f"{vocabulary.MEASURES[m].meaning}.") for m in shown)
    trade = ("Break-even cost", "Buy and hold") if result.kind == "volatility" else ()
    yield from ((term, f"{text}.") for term, text in vocabulary.GLOSSARY if term not in trade)
