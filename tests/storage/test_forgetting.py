"""A person who is erased: none of their words is left in any table or file, and what others did stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from bots.forget_command import forget as command
from storage import artifacts, events, forgetting, heard, preferences, questions, remarks, sessions, users
from storage.artifacts import ArtifactSettings, open_store
from storage.database import Database
from storage.models import AnalysisSession, Artifact, Base, PlatformIdentity, Schedule, Usage, User

SECRET = "zanzibar"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def everything(database: Database) -> str:
    """All text of all tables, those that are not ours included."""
    with database.begin() as db:
        tables = db.scalars(
            sa.text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all()
        assert {table.name for table in Base.metadata.sorted_tables} <= set(tables)
        return "\n".join(
            str(row)
            for table in tables
            for row in db.execute(sa.text(f'select t::text from "{table}" t')).all()
        )


def lived_in(database: Database, home: Path) -> None:
    """Ann asks, schedules and is granted things; she also answers, and remarks on, a run of Ben's."""
    store = open_store(ArtifactSettings(), home)
    with database.begin() as db:
        ann = users.identify(db, "slack", "T1", "U-ann", f"Ann {SECRET}")
        ben = users.identify(db, "slack", "T1", "U-ben", "Ben")
        where: dict[str, Any] = {"workspace": "T1", "platform": "slack", "channel": "C1", "thread": "1"}
        mine = sessions.create(db, owner_id=ann.id, goal=f"{SECRET}: will btc rise?", **where)
        his = sessions.create(db, owner_id=ben.id, goal="will eth rise?", **where)
        db.flush()
        lease = sessions.take(db, mine.id, 1, "worker", seconds=60)
        assert lease is not None
        stored = store.put(f"# {SECRET}".encode())
        artifacts.save(
            db, lease, stored, kind="report", name="report.md", media_type="text/markdown", summary=SECRET
        )
        sessions.complete(db, lease, {"said": SECRET}, {"finish": SECRET})
        db.execute(
            sa.text(
                "insert into checkpoints (thread_id, checkpoint_ns, checkpoint_id, checkpoint, metadata) "
                "values (:thread, '', '1', cast(:said as jsonb), '{}')"
            ),
            {"thread": str(mine.id), "said": f'{{"goal": "{SECRET}"}}'},
        )
        heard.first(db, "slack", "T1", "act-1")
        heard.record(db, "slack", "T1", "act-1", mine.id, {"text": f"R-1 {SECRET}"})
        preferences.save_for_person(db, ann.id, {"coins": SECRET})
        preferences.grant(db, "slack", "T1", f"U-{'ann'}", role="editor")
        db.add(
            Usage(
                session_id=mine.id,
                owner_id=ann.id,
                agent="a",
                model="m",
                input_tokens=5,
                output_tokens=5,
                cost_usd=1,
            )
        )
        db.add(
            Schedule(
                owner_id=ann.id, goal=SECRET, unit="days", every=1, minute_of_day=0, zone="UTC",
                next_at=datetime.now(UTC) + timedelta(days=1), **where,
            )
        )  # fmt: skip
        lease = sessions.take(db, his.id, 1, "worker", seconds=60)
        assert lease is not None
        questions.ask(
            db, lease, interrupt_id="q1", stage="planning", about="coins", question="Which coin?", choices=[],
            recommended="", expires_in=timedelta(hours=1),
        )  # fmt: skip
        questions.answer(db, his.id, f"{SECRET} eth", user_id=ann.id, interrupt_id="q1")
        remarks.keep(db, his.id, f"and {SECRET}", message_id="9", said_by=ann.display_name)
        events.append(db, his.id, "stopping:1", "stopping", {"by": ann.display_name})
        sessions.request_cancel(db, his.id)


def test_no_word_of_theirs_is_left_anywhere_and_what_others_did_stays(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("OMC_HOME", str(tmp_path))
    lived_in(database, tmp_path)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept
    assert SECRET in everything(database)

    declined = CliRunner().invoke(command, ["slack:U-ann"], input="n\n")
    assert declined.exit_code == 3
    assert "Nothing was erased." in declined.output
    assert SECRET in everything(database)

    done = CliRunner().invoke(command, ["slack:U-ann"], input="y\n", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "What stays" in done.output
    assert "Erased: 1 runs, 1 files, 1 answers to others." in done.output
    assert SECRET not in everything(database)
    assert not any(path.exists() and SECRET.encode() in path.read_bytes() for path in kept)
    with database.begin() as db:
        assert db.scalars(sa.select(PlatformIdentity.external_id)).all() == ["U-ben"]
        assert [row.goal for row in db.scalars(sa.select(AnalysisSession))] == ["will eth rise?"]
        assert db.scalar(sa.select(sa.func.count()).select_from(Artifact)) == 0
        [spent] = db.scalars(sa.select(Usage))
        assert (spent.owner_id, spent.session_id, spent.cost_usd) == (None, None, 1.0)
        assert db.scalar(sa.select(sa.func.count()).select_from(Schedule)) == 0


def test_whom_a_name_may_mean(database: Database) -> None:
    with database.begin() as db:
        one = users.identify(db, "slack", "T1", "U1", "Sam")
        other = users.identify(db, "slack", "T2", "U1", "Sam")
        users.identify(db, "terminal", "local", "sam", "sam")
        assert {person.id for person in forgetting.find(db, "slack:T1:U1")} == {one.id}
        assert {person.id for person in forgetting.find(db, "slack:U1")} == {one.id, other.id}
        assert len(forgetting.find(db, "SAM")) == 3
        assert [person.name for person in forgetting.find(db, str(other.id))] == ["Sam"]
        assert forgetting.find(db, "nobody") == []


def test_somebody_whose_run_is_not_done_is_not_erased(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("OMC_HOME", str(tmp_path))
    with database.begin() as db:
        ann = users.identify(db, "slack", "T1", "U-ann", "Ann")
        sessions.create(
            db,
            owner_id=ann.id,
            goal="will btc rise?",
            workspace="T1",
            platform="slack",
            channel="C1",
            thread="",
        )
    refused = CliRunner().invoke(command, ["Ann", "--yes"])
    assert "omc cancel R-1" in str(refused.exception)
    with database.begin() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(User)) == 1
