"""A whole session with a model that works as a colleague would: the thread as its reader sees it, then the trace."""

import time

from benchmarks.models.houses import house, say
from bots import cards, messages, trace
from bots.asking import facts_of
from bots.progress import fold
from bots.terminal_screens import local_text
from bots.words import Words
from storage import sessions
from tests.engine.houses import thinking
from tests.engine.llm.colleague import ANSWER, GOAL, colleague
from tests.model_server import ModelServer

POSTED = frozenset({"question", "answered", "note", "remark", "completed", "failed"})


def session() -> None:
    """Print what was asked, told, thought and spent."""
    with house(40) as home:
        server = ModelServer(colleague)
        number = home.open(GOAL)
        began = time.monotonic()
        home.run(number, thinking(server), answers=(ANSWER,))
        seconds = time.monotonic() - began
        with home.database.begin() as db:
            run = f"R-{sessions.find(db, str(number)).number}"
            facts = facts_of(db, number)
        words, progress = Words("en"), fold(facts)
        say("THE THREAD\n")
        say(local_text(cards.root(progress, run, words)))
        say(local_text(cards.card(progress, run, facts[-1].at, words)))
        for fact in facts:
            if fact.kind in POSTED and (fact.kind != "answered"):
                say("\n" + local_text(messages.posted(fact, run, None, words)))
            elif fact.kind == "answered":
                say(f"\n> {messages.answer_line(fact.payload, words)}")
        say("\n\nTHE TRACE (omc results RUN --trace)\n")
        for line in trace.lines(home.audit(number)):
            say(line)
        used = home.usage(number)
        read, wrote = (sum(getattr(row, name) for row in used) for name in ("input_tokens", "output_tokens"))
        say(f"\n{len(used)} calls, {read:,} tokens read and {wrote:,} written, {seconds:.1f} s")
        server.close()
