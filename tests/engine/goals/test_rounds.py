"""Goals as people write them, in ten languages: each must come to what its round says."""

import pytest

from tests.engine.goals.judging import Goal, answer, goals, misses

GOALS = goals()


@pytest.mark.parametrize("goal", GOALS, ids=[goal.name for goal in GOALS])
def test_a_goal_is_read_as_it_was_meant(goal: Goal) -> None:
    wrong = misses(goal, answer(goal))
    assert not wrong, f"{goal.goal!r}: {'; '.join(wrong)}"


def test_reading_twice_gives_the_same() -> None:
    assert [answer(goal).as_dict() for goal in GOALS[:60]] == [answer(goal).as_dict() for goal in GOALS[:60]]
