"""What is said while a run is at work, taken up by the engine on real prices, and saved defaults in the plan."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine import goals
from engine.goals import Coverage, Run
from engine.remarks import changed_by
from storage import remarks, sessions
from storage.database import Database
from storage.models import AnalysisSession
from tests.bots.stories import begin

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELD = {coin: Coverage(NOW - timedelta(days=400), NOW) for coin in ("btc", "eth")}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def plan(goal: str, defaults: dict[str, str] | None = None) -> dict[str, object]:
    outcome = goals.read(goal, now=NOW, coverage=HELD, defaults=defaults)
    assert isinstance(outcome, Run), outcome
    return outcome.spec.as_dict()


def test_defaults_stand_in_for_what_a_goal_does_not_say() -> None:
    saved = {"coins": "eth", "horizon": "4h", "period": "30d", "costs": "3"}
    spec = plan("will it go up or down?", saved)
    assert (spec["coins"], spec["horizon"], spec["costs_bps"]) == (["eth"], "4h", 3.0)
    spec = plan("will btc go up in the next hour? last 60 days, 8 bps", saved)
    assert (spec["coins"], spec["horizon"], spec["costs_bps"]) == (["btc"], "1h", 8.0)
    assert datetime.fromisoformat(str(spec["start"])) == NOW - timedelta(days=60)


@pytest.mark.parametrize(
    ("text", "still_open", "changes"),
    [
        ("only xgboost", {"models"}, {"models": ["XGBoost"]}),
        ("use 25 bps", {"costs_bps"}, {"costs_bps": 25.0}),
        ("now with eth", {"models", "costs_bps"}, None),
        ("use 25 bps", set(), None),
        ("what a lovely day", {"models", "costs_bps"}, None),
    ],
)
def test_a_remark_changes_what_is_still_open(
    text: str, still_open: set[str], changes: dict[str, object] | None
) -> None:
    before = plan("will btc go up in the next hour? last 90 days")
    after = changed_by(text, before, HELD, frozenset(still_open))
    assert (after is None) == (changes is None)
    for name, value in (changes or {}).items():
        assert after is not None
        assert after[name] == value


def test_what_comes_too_late_goes_on_from_the_result(database: Database) -> None:
    story = begin(database, thread="t1")
    story.take()
    with database.begin() as db:
        remarks.keep(db, story.session_id, "now with eth.", message_id="m1", said_by="Ann")
        remarks.keep(db, story.session_id, "and 4h", message_id="m2", said_by="Ann")
    with database.begin() as db:
        row = sessions.held(db, story.holder)
        late = remarks.follow_up(db, row)
        assert late is not None
        assert remarks.follow_up(db, row) is None
    with database.begin() as db:
        begun = db.get_one(AnalysisSession, late.id)
    assert (begun.goal, begun.follows_id, begun.thread) == ("now with eth. and 4h", story.session_id, "t1")
