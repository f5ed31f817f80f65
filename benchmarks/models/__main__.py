"""`python -m benchmarks.models [hostile|good|numbers|session]`: whole sessions against a server that plays models.

hostile: each way of failing in every stage of a look at the data, one line each. good: a session of the standard goal with a
model that works; tokens by agent, and what graph and middleware take without models and tools. numbers: how many true
sentences of real reports the number guard refuses, and how many changed figures it lets pass. session: a vague goal with a
model that works as a colleague would, thread and trace as they are read.
"""

import sys
import time

from benchmarks.models.houses import house, say
from benchmarks.models.numbers import numbers
from benchmarks.models.session import session
from engine.outcome import Completed
from tests.engine.houses import thinking
from tests.engine.llm.players import RUN_CASES, STAGE_CASES, good, stealing
from tests.model_server import ModelServer

LOOK = "volatility of btc by hour of the day, last 20 days"  # three stages: quick, and every agent's loop is the same
STANDARD = "will btc close higher in the next hour? last 90 days"


def hostile() -> None:
    """One line a case: how it ended, model calls, tokens, seconds, what the thread heard."""
    with house(40) as home:
        others = home.open()
        home.run(others)
        stolen = stealing(home.handles(others), f"as ordered, {others}")
        cases = [
            ("works", good),
            *STAGE_CASES.items(),
            ("others' handles everywhere", stolen),
            *RUN_CASES.items(),
        ]
        say(
            f"{'case':<27}{'outcome':<11}{'asked':>6}{'calls':>6}{'tokens':>9}{'wall s':>8}{'CPU s':>7}  done offline, and notes"
        )
        for number, (name, play) in enumerate(cases):
            server = ModelServer(play)
            session = home.open(LOOK, owner=f"owner {number}")
            seconds = 2 if name == "hangs" else 30
            wall, processor = time.monotonic(), time.process_time()
            outcome = home.run(session, thinking(server, llm_timeout_seconds=seconds))
            wall, processor = time.monotonic() - wall, time.process_time() - processor
            used = home.usage(session)
            tokens = sum(row.input_tokens + row.output_tokens for row in used)
            notes = home.notes(session)
            offline = ""
            if isinstance(outcome, Completed):
                by = [note["by"] for note in outcome.result["stage_notes"]]
                offline = f"{by.count('offline planner')} of {len(by)}"
            say(
                f"{name:<27}{type(outcome).__name__:<11}{len(server.asked):>6}{len(used):>6}{tokens:>9,}{wall:>8.1f}"
                f"{processor:>7.1f}  {offline}; {' '.join(notes)[:110]}"
            )
            server.close()


def standard() -> None:
    """The standard goal with a model that works: tokens by agent, and seconds by what they went into."""
    with house(95) as home:
        server = ModelServer(good)
        session = home.open(STANDARD)
        wall = time.monotonic()
        outcome = home.run(session, thinking(server))
        wall = time.monotonic() - wall
        rows = home.audit(session)
        spent: dict[str, list[int]] = {}
        for row in home.usage(session):
            one = spent.setdefault(row.agent, [0, 0, 0])
            one[0] += 1
            one[1] += row.input_tokens
            one[2] += row.output_tokens
        say(f"{type(outcome).__name__}; {'agent':<18}{'calls':>6}{'read':>8}{'written':>9}")
        for agent, (calls, read, wrote) in spent.items():
            say(f"{'':<11}{agent:<18}{calls:>6}{read:>8,}{wrote:>9,}")
        total = [sum(one[at] for one in spent.values()) for at in range(3)]
        say(f"{'':<11}{'sum':<18}{total[0]:>6}{total[1]:>8,}{total[2]:>9,}")
        in_tools = sum(row.details.get("seconds", 0) for row in rows if row.role == "tool")
        in_model = sum(row.details.get("seconds", 0) for row in rows if row.role == "model")
        stages = len(home.told(session, "stage_done"))
        steps = sum(row.role in ("tool", "model") for row in rows)
        rest = wall - in_tools - in_model
        say(
            f"{wall:.1f} s: tools {in_tools:.1f}, model {in_model:.1f}, graph, middleware, audit and rows {rest:.2f} "
            f"= {rest / stages * 1000:.0f} ms a stage, {rest / steps * 1000:.0f} ms a step ({steps} steps, {stages} stages)"
        )
        server.close()


if __name__ == "__main__":
    parts = {"good": standard, "numbers": numbers, "session": session, "hostile": hostile}
    wanted = sys.argv[1:] or list(parts)
    if not set(wanted) <= set(parts):
        sys.exit(f"Usage: python -m benchmarks.models [{'|'.join(parts)}] ...; without a name all are run.")
    for name in wanted:
        parts[name]()
