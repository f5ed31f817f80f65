"""Delivery: in order, once, whatever breaks on the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bots import messages
from bots.commands import handle
from bots.errors import Rejected, TryLater
from bots.platform import Answer, Command, Pace, Place
from storage import events
from storage.artifacts import FolderStore
from storage.database import Database
from storage.models import AnalysisSession, Event
from tests.bots.stories import ANN, Story, all_told, backend, begin, deliver, execute, keep_file
from tests.fakes import ChatThread, FakeChat, Fault, Faulty


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def chat() -> Iterator[FakeChat]:
    chat = FakeChat()
    yield chat
    assert chat.complaints == []


def only_thread(chat: FakeChat) -> ChatThread:
    (thread,) = chat.threads.values()
    return thread


def event_of(database: Database, story: Story, key: str) -> Event:
    with database.begin() as db:
        found = sa.select(Event).where(Event.session_id == story.session_id, Event.key == key)
        return db.scalars(found).one()


def nothing_waits(database: Database) -> bool:
    with database.begin() as db:
        return events.waiting_since(db, messages.POSTED)[0] == 0


def test_a_run_from_its_sentence_to_its_verdict(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    files = [keep_file(store, "report.md", b"# Report"), keep_file(store, "charts/equity.png", b"png")]
    story = begin(database)
    story.take()
    story.plan()
    story.start("data_retrieval")
    story.finish_stage("data_retrieval", "25,920 rows, 0.4 % gaps", 0.4)
    story.tell("note:1", "note", text="The newest price is 3 days old.")
    story.complete(files)
    deliver(database, chat, tmp_path, lambda: all_told(database, story))

    thread = only_thread(chat)
    assert thread.kinds() == ["root", "card", "notice", "file", "file", "finish"]
    assert [file.name for file in thread.files] == ["report.md", "charts/equity.png"]
    assert thread.files[0].content == b"# Report"
    assert thread.files[1].alt == "alt of charts/equity.png"
    root, card, note, finish = thread.messages
    assert root.headline == f"{story.run} BTC up or down, next hour"
    assert root.footer == "asked by Ann · Verdict: no edge"
    assert "✓ Data done (0.4 s): 25,920 rows, 0.4 % gaps" in card.text()
    assert note.text() == "Note: The newest price is 3 days old."
    assert (root.mention, card.mention, note.mention, finish.mention) == (None, None, None, "U-ann")
    assert finish.headline.startswith("Verdict: no edge for BTC")


def test_what_comes_while_listening_is_told_at_once(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)

    async def work() -> None:
        while not chat.threads:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(story.take)
        await asyncio.to_thread(story.ask)

    deliver(
        database,
        chat,
        tmp_path,
        lambda: bool(chat.threads) and "question" in only_thread(chat).kinds(),
        meanwhile=work,
        poll_seconds=3600,
    )


def test_a_cut_listener_listens_again(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    story = begin(database)
    cut = sa.text(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
        "where application_name = 'omc listener' and datname = current_database()"
    )

    async def work() -> None:
        while not chat.threads:
            await asyncio.sleep(0.01)
        with database.begin() as db:
            assert db.scalar(cut) == 1
        story.take()
        story.fail("The prices are gone.")

    deliver(database, chat, tmp_path, lambda: all_told(database, story), meanwhile=work, poll_seconds=3600)
    assert only_thread(chat).kinds() == ["root", "card", "failure"]


def test_a_question_is_asked_closed_and_never_told_twice(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)
    story.take()
    story.ask()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    question = only_thread(chat).messages[-1]
    assert question.mention == "U-ann"
    assert [(choice.text, choice.recommended) for choice in question.choices] == [("1h", True), ("4h", False)]
    assert question.deadline is not None
    assert "? Planning waiting for your answer" in only_thread(chat).messages[1].text()

    assert handle(backend(database), Answer(ANN, story.run, "2")).ok
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    closed = only_thread(chat).messages[-1]
    assert closed.choices == ()
    assert closed.text() == "How far ahead?\nAnn answered “4h”."
    assert only_thread(chat).kinds() == ["root", "card", "question"]


@pytest.mark.parametrize("method", ["open_thread", "post"])
def test_a_post_whose_answer_was_lost_is_looked_up_and_not_repeated(
    database: Database, chat: FakeChat, tmp_path: Path, method: str
) -> None:
    faulty = Faulty(chat)
    faulty.fail(method, Fault(TryLater("the connection broke", seconds=0), after=True))
    story = begin(database)
    story.take()
    story.fail("No prices.")
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert only_thread(chat).kinds() == ["root", "card", "failure"]
    assert faulty.calls.count(method) == {"open_thread": 2, "post": 3}[method]


def test_a_doubt_is_not_forgotten_over_a_later_clear_refusal(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail(
        "post",
        None,  # the card
        Fault(TryLater("the connection broke", seconds=0), after=True),
        Fault(TryLater("slow down", seconds=0, in_doubt=False)),
    )
    story = begin(database)
    story.take()
    story.fail("No prices.")
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert only_thread(chat).kinds() == ["root", "card", "failure"]


def test_a_message_that_could_not_be_recorded_is_not_posted_again(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    story.fail("No prices.")
    faulty = Faulty(chat)

    async def lose_the_claim() -> None:
        # As if this process had frozen after the post: its claim ran out and is not its own any more.
        execute(
            database,
            "update agent_session_events set claimed_by = 'nobody', claimed_until = clock_timestamp() "
            "where kind = 'failed'",
        )

    faulty.hooks["post"] = lose_the_claim
    deliver(database, faulty, tmp_path, lambda: all_told(database, story), poll_seconds=0.05)
    assert faulty.calls.count("post") == 2
    assert only_thread(chat).kinds() == ["root", "card", "failure"]


def test_a_platform_that_asks_for_patience_gets_it(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story, other = begin(database), begin(database)
    for one in (story, other):
        one.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story) and all_told(database, other))
    faulty = Faulty(chat)
    faulty.fail("post", Fault(TryLater("too many requests", seconds=120, in_doubt=False)))
    story.fail("No prices.")
    deliver(database, faulty, tmp_path, lambda: event_of(database, story, "failed:1").error is not None)
    told = event_of(database, story, "failed:1")
    with database.begin() as db:
        waits = db.scalar(
            sa.select(sa.func.extract("epoch", Event.claimed_until - sa.func.clock_timestamp())).where(
                Event.session_id == story.session_id, Event.kind == "failed"
            )
        )
    assert waits is not None
    assert 100 < waits <= 120
    assert (told.error, told.delivered_at, told.in_doubt) == ("too many requests", None, False)
    other.fail("Nor here.")
    deliver(database, faulty, tmp_path, lambda: all_told(database, other))
    assert event_of(database, story, "failed:1").delivered_at is None


def test_pauses_grow_while_a_platform_is_out(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    faulty = Faulty(chat)
    story = begin(database)
    waits = []
    for attempt in range(1, 4):
        faulty.fail("open_thread", Fault(ConnectionError("down")))
        opened = event_of(database, story, "opened")
        execute(database, "update agent_session_events set claimed_until = clock_timestamp()")
        deliver(
            database,
            faulty,
            tmp_path,
            lambda n=attempt: (
                event_of(database, story, "opened").attempts == n  # type: ignore[misc]
                and event_of(database, story, "opened").error is not None
                and faulty.calls.count("open_thread") == n
            ),
        )
        opened = event_of(database, story, "opened")
        assert opened.claimed_until is not None
        assert opened.attempted_at is not None
        waits.append((opened.claimed_until - opened.attempted_at).total_seconds())
    # Each holds the time of the attempt itself too.
    assert [wait > least for wait, least in zip(waits, (1, 2, 4), strict=True)] == [True] * 3
    assert waits[-1] < 30


def test_what_a_platform_will_never_take_keeps_nothing_else_waiting(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail("post", None, Fault(Rejected("no such emoji")))
    story = begin(database)
    story.take()
    story.tell("note:1", "note", text="lost")
    story.tell("note:2", "note", text="kept")
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert [message.text() for message in only_thread(chat).messages[2:]] == ["Note: kept"]
    assert event_of(database, story, "note:1").error == "no such emoji"


def test_a_result_whose_thread_is_gone_is_told_to_the_asker_alone(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    chat.threads.clear()
    story.tell("note:1", "note", text="Nobody has to hear this alone.")
    story.complete()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    (said,) = chat.told
    assert said.startswith("Verdict: no edge for BTC")
    assert "said to you alone: the thread of R-1 cannot be reached (there is no thread 'thread-m1')" in said
    reason = "there is no thread 'thread-m1'; the asker was told in private"
    assert event_of(database, story, "completed").error == reason
    assert event_of(database, story, "note:1").error == "there is no thread 'thread-m1'"
    place = Place("acme", "research")
    status = handle(backend(database), Command(ANN, place, "status", "R-1")).text
    assert status.endswith(f"Not everything could be told in its thread: {reason}")
    assert "no edge (not all told)" in handle(backend(database), Command(ANN, place, "list")).text


def test_a_question_whose_thread_is_gone_can_be_answered_in_private(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    chat.threads.clear()
    story.ask()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    (said,) = chat.told
    assert "How far ahead?" in said
    assert "1h" in said
    assert handle(backend(database), Answer(ANN, "R-1", "1h")).ok


def test_a_run_whose_thread_cannot_be_opened_is_stopped_and_the_asker_told_once(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail("open_thread", Fault(Rejected("the channel is archived")))
    faulty.fail("tell_alone", Fault(TryLater("the connection broke", seconds=0), after=True))
    faulty.fail("open_thread", Fault(Rejected("the channel is archived")))
    story = begin(database)
    deliver(database, faulty, tmp_path, lambda: story.row().status == "cancelled" and nothing_waits(database))
    assert chat.told == ["R-1 was stopped: its thread could not be opened (the channel is archived)."]
    assert chat.threads == {}


def test_what_nobody_could_be_told_is_recorded(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    chat.unreachable.add("U-ann")
    story = begin(database)
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    chat.threads.clear()
    story.complete()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    error = str(event_of(database, story, "completed").error)
    assert error.endswith("nor could the asker be told: U-ann takes no private messages")
    assert chat.told == []


def test_a_bug_in_one_message_does_not_silence_its_thread(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    story = begin(database)
    story.take()
    story.tell("question:bad", "question", expires_at="never")
    story.tell("note:2", "note", text="kept")
    execute(database, "update agent_session_events set attempts = 7 where kind = 'question'")
    deliver(database, chat, tmp_path, lambda: event_of(database, story, "note:2").delivered_at is not None)
    assert "ValueError" in str(event_of(database, story, "question:bad").error)
    assert only_thread(chat).messages[-1].text() == "Note: kept"


def test_the_verdict_does_not_wait_for_files_for_ever(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail("upload", *[Fault(TryLater("the file service is down", seconds=0))] * 3)
    story = begin(database)
    story.take()
    story.complete([keep_file(FolderStore(tmp_path / "store"), "report.md", b"# Report")])
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert faulty.calls.count("upload") == 3
    finish = only_thread(chat).messages[-1]
    assert finish.lines[0] == "The files could not be sent: the file service is down"
    assert finish.headline.startswith("Verdict: no edge")


def test_a_platform_that_asks_for_patience_gets_the_files_all_the_same(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail("upload", *[Fault(TryLater("too many requests", seconds=0, in_doubt=False))] * 5)
    faulty.fail("post", None, *[Fault(TryLater("too many requests", seconds=0, in_doubt=False))] * 5)
    story = begin(database)
    story.take()
    story.complete([keep_file(FolderStore(tmp_path / "store"), "report.md", b"# Report")])
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert only_thread(chat).kinds() == ["root", "card", "file", "finish"]
    assert event_of(database, story, "completed").attempts == 0


def test_files_are_not_sent_again_when_only_the_verdict_failed(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    faulty = Faulty(chat)
    faulty.fail("post", None, Fault(TryLater("the connection broke", seconds=0)))
    story = begin(database)
    story.take()
    story.complete([keep_file(FolderStore(tmp_path / "store"), "report.md", b"# Report")])
    deliver(database, faulty, tmp_path, lambda: all_told(database, story))
    assert faulty.calls.count("upload") == 1
    assert only_thread(chat).kinds() == ["root", "card", "file", "finish"]


def test_a_missing_file_does_not_cost_the_verdict(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    story = begin(database)
    story.take()
    story.complete([{"name": "report.md", "media_type": "text/markdown", "sha256": "0" * 64}])
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    finish = only_thread(chat).messages[-1]
    assert finish.lines[0].startswith("The files could not be sent: The stored file 000000000000 is missing")


def test_a_card_is_edited_no_more_often_than_the_platform_likes(database: Database, tmp_path: Path) -> None:
    chat = FakeChat(Pace(edit_seconds=300.0, still_seconds=None))
    story = begin(database)
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    story.start("model_training")
    for fold in range(1, 5):
        story.progress("model_training", "XGBoost", fold, 5)
    story.tell("note:1", "note", text="Nothing waits for the card.")
    deliver(database, chat, tmp_path, lambda: "notice" in only_thread(chat).kinds())
    assert len(only_thread(chat).forms("card")) == 1

    execute(database, "update agent_sessions set card_due_at = clock_timestamp()")  # its time has come
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    _, second = only_thread(chat).forms("card")
    assert "▸ Training running: XGBoost fold 4/5" in second.text()
    with database.begin() as db:
        due = sa.select(sa.func.extract("epoch", AnalysisSession.card_due_at - sa.func.clock_timestamp()))
        again = db.scalar(due.where(AnalysisSession.id == story.session_id))
    assert again is not None
    assert 200 < again <= 300
    assert chat.complaints == []


def test_a_card_at_a_standstill_is_edited_all_the_same(database: Database, tmp_path: Path) -> None:
    chat = FakeChat(Pace(edit_seconds=3.0, still_seconds=28.0))
    story = begin(database)
    story.take()
    story.start("model_training")
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    before = len(only_thread(chat).forms("card"))
    execute(
        database, "update agent_sessions set card_due_at = clock_timestamp() - interval '26 s'"
    )  # half a minute later
    deliver(database, chat, tmp_path, lambda: len(only_thread(chat).forms("card")) > before)
    assert len(only_thread(chat).forms("card")) == before + 1


def test_a_lost_worker_shows_in_the_card(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    story = begin(database)
    story.take(seconds=0)
    with database.begin() as db:
        db.get_one(AnalysisSession, story.session_id).stage = "model_training"
    story.take()
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    assert "Worker lost, resuming from Training" in only_thread(chat).messages[1].text()


def test_rivals_tell_everything_once(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    stories = [begin(database) for _ in range(4)]

    async def work() -> None:
        async def rival() -> None:
            from bots.delivery import Delivery

            await Delivery(database, chat, FolderStore(tmp_path)).run()

        rivals = [asyncio.create_task(rival()) for _ in range(2)]
        for story in stories:
            await asyncio.to_thread(story.take)
            for number in range(5):
                await asyncio.to_thread(story.tell, f"note:{number}", "note", text=f"{number}")
            await asyncio.to_thread(story.fail, "the end")
        while not all(all_told(database, story) for story in stories):
            await asyncio.sleep(0.02)
        for task in rivals:
            task.cancel()
        await asyncio.gather(*rivals, return_exceptions=True)

    chat_complaints = chat.complaints
    deliver(database, chat, tmp_path, lambda: True, meanwhile=work, poll_seconds=0.05)
    assert len(chat.threads) == 4
    for thread in chat.threads.values():
        notes = [message.text() for message in thread.messages if message.kind == "notice"]
        assert notes == [f"Note: {number}" for number in range(5)]
        assert thread.kinds().count("failure") == 1
    # Two processes may edit a card while another posts; each message is told once all the same.
    chat_complaints[:] = [said for said in chat_complaints if not said.startswith("two calls at once")]


def test_a_thread_that_was_asked_for_in_a_thread_stays_there(
    database: Database, chat: FakeChat, tmp_path: Path
) -> None:
    chat.threads["t-7"] = ChatThread()
    story = begin(database, thread="t-7")
    deliver(database, chat, tmp_path, lambda: all_told(database, story))
    assert chat.threads["t-7"].kinds() == ["root", "card"]


def test_one_thread_is_delivered_alone_when_asked(database: Database, chat: FakeChat, tmp_path: Path) -> None:
    chat.threads |= {"mine": ChatThread(), "theirs": ChatThread()}
    mine, theirs = begin(database, thread="mine"), begin(database, thread="theirs")
    deliver(database, chat, tmp_path, lambda: all_told(database, mine), thread="mine")
    assert not all_told(database, theirs)
    assert chat.threads["theirs"].shown == []


def test_a_delivered_event_is_never_claimed_again(database: Database) -> None:
    story = begin(database)
    with database.begin() as db:
        (claimed,) = events.claim(db, "fake", "one")
    with database.begin() as db:
        assert events.claim(db, "fake", "two") == []
        assert events.delivered(db, story.session_id, claimed.seq, "one", "m1")
        assert not events.delivered(db, story.session_id, claimed.seq, "two", "m2")
    with database.begin() as db:
        assert events.claim(db, "fake", "two") == []
