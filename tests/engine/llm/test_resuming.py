"""A run that dies goes on after its last step: no answer of a model is paid for twice."""

import json
from collections.abc import Callable

from engine import graph
from engine.budget import BudgetSettings
from engine.llm.models import Models
from engine.outcome import Completed, Outcome
from engine.work import Control, EngineSettings, Work
from storage import sessions
from tests.engine.houses import House, thinking
from tests.engine.llm.players import good
from tests.model_server import ModelServer, Player

Serve = Callable[[Player], ModelServer]
FIRST_LIFE = 4


class Killed(BaseException):
    """What a kill looks like from inside."""


class Mortal(Control):
    """Dies when it has looked for a request to stop so often: before a model call, a tool, or within a tool."""

    left = 0

    def cancelled(self) -> bool:
        self.left -= 1
        if self.left < 0:
            raise Killed
        return False


def test_no_answer_is_paid_twice_however_often_the_worker_dies(house: House, serve: Serve) -> None:
    server = serve(good)
    session = house.open()
    models = Models.of(thinking(server), {})
    lives, outcome = 0, None
    while outcome is None and lives < 60:
        lives += 1
        outcome = live(house, session, models, FIRST_LIFE + lives)
    models.close()
    assert isinstance(outcome, Completed)
    assert lives > 5
    asked = [json.dumps(one.body["messages"]) for one in server.asked]
    assert len(asked) == len(set(asked)) == len(house.usage(session))
    assert len(house.told(session, "stage_done")) == 6


def live(house: House, session: object, models: Models, looks: int) -> Outcome | None:
    with house.database.begin() as db:
        row = sessions.find(db, str(session))
        lease = sessions.take(db, row.id, row.lease_epoch + 1, "test", seconds=0)
    assert lease is not None
    control = Mortal(house.database, lease)
    control.left = looks
    settings = EngineSettings(omp_num_threads=1)
    try:
        return graph.run(
            Work(house.database, house.store, lease, control, settings, models, BudgetSettings())
        )
    except Killed:
        return None
