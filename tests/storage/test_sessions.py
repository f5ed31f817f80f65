"""A session's life as rows: who may work on it, what a question's answers do, what an orphan cannot do."""

import contextlib
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from storage import events, questions, sessions, users
from storage.database import Database
from storage.errors import LeaseLost, NotAllowed, UnknownSession
from storage.models import AnalysisSession, Clarification
from storage.sessions import Lease


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def open_session(database: Database, goal: str = "will btc rise?") -> AnalysisSession:
    with database.begin() as db:
        ann = users.identify(db, "terminal", "local", "ann", "Ann")
        return sessions.create(
            db,
            workspace="local",
            owner_id=ann.id,
            platform="terminal",
            channel="tty",
            thread=uuid.uuid4().hex,
            goal=goal,
        )


def take(database: Database, row: AnalysisSession, epoch: int = 1, *, seconds: float = 60) -> Lease:
    with database.begin() as db:
        lease = sessions.take(db, row.id, epoch, "worker", seconds=seconds)
    assert lease is not None
    return lease


def test_runs_are_numbered_without_gaps_though_some_never_came_to_be(database: Database) -> None:
    first = open_session(database).number
    with contextlib.suppress(RuntimeError), database.begin() as db:
        ann = users.identify(db, "terminal", "local", "ann", "Ann")
        lost = sessions.create(
            db, workspace="local", owner_id=ann.id, platform="terminal", channel="tty", thread="t", goal="g"
        )
        assert lost.number == first + 1
        raise RuntimeError("nothing came of it")
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.append(open_session(database).number)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(first + 1, first + 9))


def ask(database: Database, lease: Lease, interrupt_id: str = "i1", *, hours: float = 1) -> None:
    with database.begin() as db:
        questions.ask(
            db,
            lease,
            interrupt_id=interrupt_id,
            stage="planning",
            about="coins",
            question="Which coin?",
            choices=["btc", "eth"],
            recommended="btc",
            expires_in=timedelta(hours=hours),
        )


def reread(database: Database, row: AnalysisSession) -> AnalysisSession:
    with database.begin() as db:
        return db.get_one(AnalysisSession, row.id)


def told(database: Database, row: AnalysisSession) -> list[str]:
    with database.begin() as db:
        return [event.kind for event in events.since(db, row.id)]


def test_a_new_session_waits_in_the_queue_and_opens_its_thread(database: Database) -> None:
    row = open_session(database)
    assert row.status == "queued"
    assert told(database, row) == ["opened"]


def test_one_worker_takes_a_session_and_a_repeated_job_gets_nothing(database: Database) -> None:
    row = open_session(database)
    take(database, row)
    with database.begin() as db:
        assert sessions.take(db, row.id, 1, "again", seconds=60) is None
        assert sessions.take(db, row.id, 2, "early", seconds=60) is None, "its holder is alive"


def test_a_silent_workers_session_is_taken_over_and_the_thread_hears_it(database: Database) -> None:
    row = open_session(database)
    take(database, row, seconds=-1)
    take(database, row, 2)
    assert reread(database, row).lease_epoch == 2
    assert told(database, row) == ["opened", "resumed"]


def test_an_orphans_write_is_refused(database: Database) -> None:
    row = open_session(database)
    orphan = take(database, row, seconds=-1)
    heir = take(database, row, 2)
    with pytest.raises(LeaseLost), database.begin() as db:
        sessions.complete(db, orphan, {"verdict": "late"}, {})
    with pytest.raises(LeaseLost), database.begin() as db:
        sessions.give_back(db, orphan)
    with database.begin() as db:
        assert not sessions.beat(db, orphan, seconds=60)
        sessions.complete(db, heir, {"verdict": "right"}, {})
    assert reread(database, row).result == {"verdict": "right"}
    assert told(database, row) == ["opened", "resumed", "completed"]


def test_an_orphan_cannot_write_after_the_end_either(database: Database) -> None:
    row = open_session(database)
    lease = take(database, row)
    with database.begin() as db:
        sessions.complete(db, lease, {}, {})
    with pytest.raises(LeaseLost), database.begin() as db:
        sessions.fail(db, lease, "too late", "x")


def test_a_question_frees_the_worker_and_the_first_answer_wins(database: Database) -> None:
    row = open_session(database)
    ask(database, take(database, row))
    waiting = reread(database, row)
    assert (waiting.status, waiting.lease_owner) == ("awaiting_user", None)
    with database.begin() as db:
        bob = users.identify(db, "terminal", "local", "bob", "Bob")
        first = questions.answer(db, row.id, "eth", user_id=bob.id)
        second = questions.answer(db, row.id, "btc", user_id=bob.id)
    assert first.accepted
    assert (second.accepted, second.reason, second.answer, second.answered_by) == (
        False,
        "already_answered",
        "eth",
        "Bob",
    )
    assert reread(database, row).status == "queued"
    assert told(database, row) == ["opened", "question", "answered"]


def test_answers_given_at_once_count_once(database: Database) -> None:
    row = open_session(database)
    ask(database, take(database, row))
    ready = threading.Barrier(6)
    accepted: list[bool] = []

    def reply(text: str) -> None:
        ready.wait()
        with database.begin() as db:
            accepted.append(questions.answer(db, row.id, text, user_id=None).accepted)

    threads = [threading.Thread(target=reply, args=(str(n),)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(accepted) == [False] * 5 + [True]
    assert told(database, row).count("answered") == 1


def test_an_answer_meant_for_an_earlier_question_does_not_answer_the_next(database: Database) -> None:
    row = open_session(database)
    ask(database, take(database, row), "i1")
    with database.begin() as db:
        questions.answer(db, row.id, "btc", user_id=None, interrupt_id="i1")
    ask(database, take(database, row, 2), "i2")
    with database.begin() as db:
        late = questions.answer(db, row.id, "btc", user_id=None, interrupt_id="i1")
    assert not late.accepted
    assert reread(database, row).status == "awaiting_user"


def test_asking_again_after_a_crash_says_nothing_twice(database: Database) -> None:
    row = open_session(database)
    ask(database, take(database, row, seconds=-1))
    with database.begin() as db:
        db.execute(
            sa.update(AnalysisSession)
            .where(AnalysisSession.id == row.id)
            .values(status="running", lease_until=sa.func.now() - timedelta(seconds=1))
        )
    ask(database, take(database, row, 2))
    assert told(database, row).count("question") == 1
    with database.begin() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Clarification)) == 1


def test_overdue_questions_are_found(database: Database) -> None:
    row = open_session(database)
    ask(database, take(database, row), hours=-1)
    other = open_session(database)
    ask(database, take(database, other), hours=1)
    with database.begin() as db:
        assert [question.session_id for question in questions.overdue(db)] == [row.id]


def test_a_waiting_session_is_cancelled_at_once_a_running_one_by_its_flag(database: Database) -> None:
    queued, running = open_session(database), open_session(database)
    lease = take(database, running)
    with database.begin() as db:
        assert sessions.request_cancel(db, queued.id).status == "cancelled"
    with database.begin() as db:
        assert sessions.request_cancel(db, running.id).status == "running"
        assert reread(database, running).cancel_requested_at is None, "only at commit"
    with database.begin() as db:
        sessions.cancelled(db, lease)
    assert reread(database, running).status == "cancelled"
    with pytest.raises(NotAllowed, match="already cancelled"), database.begin() as db:
        sessions.request_cancel(db, running.id)


def test_a_move_that_is_not_in_the_table_is_refused(database: Database) -> None:
    row = open_session(database)
    with pytest.raises(NotAllowed, match="cannot become completed"):
        sessions.move(row, "completed")


def test_runs_are_found_by_every_name_people_use(database: Database) -> None:
    row = open_session(database)
    with database.begin() as db:
        for name in (f"R-{row.number}", f"r{row.number}", str(row.number), str(row.id), f" {row.number} "):
            assert sessions.find(db, name).id == row.id
        for wrong in ("R-999999", "yesterday", "", "1 or 1=1"):
            with pytest.raises(UnknownSession):
                sessions.find(db, wrong)


def test_a_person_seen_twice_at_once_is_one_person(database: Database) -> None:
    ready = threading.Barrier(4)
    seen: list[uuid.UUID] = []

    def arrive() -> None:
        with database.begin() as db:
            ready.wait()
            seen.append(users.identify(db, "slack", "T1", "U1", "Ann").id)

    threads = [threading.Thread(target=arrive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1


def test_events_of_many_writers_keep_commit_order_and_say_nothing_twice(database: Database) -> None:
    row = open_session(database)

    def write(name: str) -> None:
        for number in range(20):
            with database.begin() as db:
                events.append(db, row.id, f"{name}:{number}", "note", {"text": name})
                events.append(db, row.id, f"shared:{number}", "note", {"text": "shared"})

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.begin() as db:
        log = events.since(db, row.id)
    assert len(log) == 1 + 3 * 20 + 20
    assert all(a.created_at <= b.created_at for a, b in pairwise(log) if a.key[0] == b.key[0])


def test_a_thread_is_delivered_in_order_by_one_claimant_at_a_time(database: Database) -> None:
    row = open_session(database)
    with database.begin() as db:
        events.append(db, row.id, "second", "note", {"text": "2"})
    with database.begin() as db:
        (first,) = events.claim(db, "terminal", "a")
    assert first.key == "opened"
    with database.begin() as db:
        assert events.claim(db, "terminal", "b") == []
        assert events.claim(db, "slack", "b") == []
        events.postpone(db, row.id, first.seq, "a", seconds=-1, error="the platform is down")
    with database.begin() as db:
        (again,) = events.claim(db, "terminal", "b")
        assert (again.key, again.attempt) == ("opened", 2)
        assert not events.delivered(db, row.id, again.seq, "a", "m"), "the claim has passed on"
        assert events.delivered(db, row.id, again.seq, "b", "m")
    with database.begin() as db:
        (second,) = events.claim(db, "terminal", "b")
    assert second.key == "second"
