"""The storm's judge: it must notice what was lost, what came twice, and what came out of order."""

import sqlalchemy as sa

from benchmarks.chat.judging import Judged, judge
from benchmarks.chat.slack_chat import SlackChat
from bots.platform import Speaker
from bots.telling import key_text
from storage.database import Database
from storage.models import Event
from tests.bots.stories import begin, execute
from tests.slack_double import SlackDouble
from tests.slack_double.server import BOT_USER, TEAM, Posted

ANN = Speaker("slack", TEAM, "U-0", "Ann")


def test_a_thread_is_held_against_its_rows(database_url: str) -> None:
    database = Database(database_url)
    story = begin(database, ANN, platform="slack", channel="C0")
    story.take()
    for number in range(2):
        story.tell(f"note:{number}", "note", text=f"{number}")
    story.complete([{"name": "report.md"}])
    with database.begin() as db:
        seqs = db.scalars(sa.select(Event.seq).order_by(Event.seq)).all()
    parts = [(seqs[0], "root"), (seqs[0], "card"), *((seq, "message") for seq in seqs[1:])]
    root, card, first, second, finish = (key_text(story.session_id, *part) for part in parts)
    whole = [root, card, first, second, "files", finish]

    def judged(keys: list[str]) -> tuple[int, int, int]:
        found = look(database, keys)
        return found.lost, found.twice, found.out_of_order

    assert judged(whole) == (0, 0, 0)
    assert look(database, whole).wrong == ()
    assert judged([root, card, second, "files", finish]) == (1, 0, 0)
    assert judged([*whole[:3], first, *whole[3:]]) == (0, 1, 0)
    assert judged([root, card, second, first, "files", finish]) == (0, 0, 1)
    assert judged([*whole[:4], "files", *whole[4:]]) == (0, 1, 0)
    execute(
        database, "update agent_session_events set delivered_at = now(), error = 'gone' where key = 'note:0'"
    )
    assert look(database, whole).wrong == (f"{story.run} note was given up: gone",)
    database.close()


def look(database: Database, keys: list[str]) -> Judged:
    """What is found where a channel shows the messages with these keys, in this order."""
    double = SlackDouble()
    for at, key in enumerate(keys):
        files = [{"name": "report.md"}] if key == "files" else []
        metadata = {"event_payload": {"key": key}}
        double.messages[str(at)] = Posted(str(at), "C0", "", BOT_USER, [{"text": "x"}], metadata, files)
    return judge(SlackChat(double), database, 1)
