"""Who did what on the way, how to rebuild the result, and what the words mean."""

from collections.abc import Iterator

from engine.report import vocabulary, wording
from engine.report.composition.tables import main_measures
from engine.report.document import Block, Bullets, Code, Heading, Paragraph
from engine.report.result import Result
from engine.science.charts.numbers import count


def along_the_way(result: Result) -> Iterator[Block]:
    """Warnings, and what each stage noted."""
    workers = {note.by for note in result.stage_notes if note.by}
    alone = workers.pop() if len(workers) == 1 else ""
    items = [("Note", w.text) for w in result.warnings]
    items += [
        (wording.capital(note.stage.replace("_", " ")) + (f" ({note.by})" if note.by and not alone else ""),
         _without_verdict(note.text, result))
        for note in result.stage_notes
    ]  # fmt: skip
    if items:
        yield Heading("Along the way")
        if alone:
            yield Paragraph(f"All stages were the work of the {alone}.", tone="lead")
        yield Bullets(tuple(items))


def _without_verdict(text: str, result: Result) -> str:
    """A stage's note without the reason that the report gives already."""
    reason = result.verdict.reason if result.verdict else ""
    return text.replace(reason, "judged as told above.") if reason else text


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
    yield from (
        (vocabulary.MEASURES[m].label, f"{vocabulary.MEASURES[m].meaning}.") for m in main_measures(result)
    )
    terms = vocabulary.OF_A_LOOK if result.verdict is None else vocabulary.GLOSSARY
    trade = ("Buy and hold",) if result.kind == "volatility" else ()
    yield from ((term, f"{text}.") for term, text in terms if term not in trade)
