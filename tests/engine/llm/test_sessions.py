"""Whole sessions with a model: what it may decide, and who does the work when it cannot."""

import json
from collections.abc import Callable

from bots import differences
from engine.outcome import Completed
from storage import artifacts
from tests.engine.houses import House, repeat, thinking
from tests.engine.llm import colleague
from tests.engine.llm.players import good
from tests.model_server import Asked, ModelServer, Player, Says

Serve = Callable[[Player], ModelServer]


def test_a_model_that_works_leads_a_session_in_its_own_words(house: House, serve: Serve) -> None:
    server = serve(good)
    session = house.open()
    outcome = house.run(session, thinking(server))
    report = house.report(outcome)
    assert "There is nothing here to trade on." in report
    assert "All stages were the work of the test-model." in report
    assert "Model training: The model training went as planned." in report.replace("**", "")
    assert not house.notes(session)
    assert {row.settled for row in house.usage(session)} == {True}
    spent = sum(row.input_tokens + row.output_tokens for row in house.usage(session))
    meter = house.told(session, "usage")[-1].payload
    assert (meter["tokens"], meter["calls"]) == (spent, len(house.usage(session)))


def test_the_same_answer_comes_from_a_model_and_from_the_planner(house: House, serve: Serve) -> None:
    """The model words it; figures and verdict are the tools'."""
    with_model = house.run(house.open(), thinking(serve(good)))
    without = house.run(house.open(owner="bob"))
    assert isinstance(with_model, Completed)
    assert isinstance(without, Completed)
    assert with_model.result["models"] == without.result["models"]
    assert with_model.result["verdict"]["decision"] == without.result["verdict"]["decision"]


def test_a_colleagues_figures_stand_and_its_reasons_are_told(house: House, serve: Serve) -> None:
    session = house.open(colleague.GOAL)
    outcome = house.run(session, thinking(serve(colleague.colleague)), answers=(colleague.ANSWER,))
    report = house.report(outcome).replace("**", "")
    assert "left out: figures in no result" not in report
    told = [str(event.payload.get("summary")) for event in house.told(session, "stage_done")]
    assert any("C of 0.01" in text and "Both count as tries" in text for text in told)
    assert any("bars moved unusually far" in text or "No bar stands out" in text for text in told)
    assert "times a day; it would break even at" in report


def test_a_wrong_key_is_said_once_and_the_run_goes_on_offline(house: House, serve: Serve) -> None:
    server = serve(lambda asked: Says(status=401))
    session = house.open()
    outcome = house.run(session, thinking(server))
    assert house.notes(session) == [
        "The model's server refused the key: check OPENAI_API_KEY. The run goes on with the offline planner."
    ]
    assert len(server.asked) == 1
    assert "refused the key" in house.report(outcome)


def test_a_stage_that_fails_twice_is_done_offline_and_the_next_one_is_not(house: House, serve: Serve) -> None:
    def play(asked: Asked) -> Says:
        return Says(text="I would rather not.") if asked.stage == "data_analysis" else good(asked)

    server = serve(play)
    session = house.open()
    report = house.report(house.run(session, thinking(server))).replace("**", "")
    assert sum(asked.stage == "data_analysis" for asked in server.asked) == 2
    assert "Data analysis (offline planner):" in report
    assert "used no tool and gave no result" in report
    assert "Feature engineering (test-model):" in report


def test_a_fallback_model_takes_over_for_the_rest_of_the_run(house: House, serve: Serve) -> None:
    def play(asked: Asked) -> Says:
        if asked.body["model"] == "test-model":
            return Says(status=404, error={"message": "no such model", "code": "model_not_found"})
        return good(asked)

    server = serve(play)
    session = house.open()
    outcome = house.run(session, thinking(server, llm_fallback_model="other-model"))
    assert isinstance(outcome, Completed)
    assert [asked.body["model"] for asked in server.asked].count("test-model") == 1
    [note] = house.notes(session)
    assert note.endswith("check OPENAI_MODEL. Going on with other-model.")
    assert "other-model" in house.report(outcome)


def test_a_model_may_try_more_than_the_plan_and_everything_it_tried_is_judged(
    house: House, serve: Serve
) -> None:
    def play(asked: Asked) -> Says:
        if asked.stage != "model_training":
            return good(asked)
        name, args = asked.first_step or ("", {})
        match len(asked.results):
            case 0:
                return Says(calls=((name, {**args, "hyperparameters": {"C": 0.001}}),))
            case 1:
                handle = json.loads(asked.results[0].split("\n")[1])["model_id"]
                return Says(calls=(("cross_validate_model", {"model_id": handle}),))
            case _:
                return good(asked) if len(asked.results) > 2 else Says(calls=(("follow_plan", {}),))

    session = house.open()
    outcome = house.run(session, thinking(serve(play)))
    assert isinstance(outcome, Completed)
    plain = house.run(house.open(owner="bob"))
    assert isinstance(plain, Completed)
    tried, usual = (run.result["verdict"]["candidates"] for run in (outcome, plain))
    assert tried > usual


def test_rules_on_features_of_the_models_own_count_and_a_repeat_without_it_has_the_same_figures(
    house: House, serve: Serve
) -> None:
    made: list[str] = []

    def handle(asked: Asked, name: str) -> str:
        return str(json.loads(asked.results[-1].split("\n")[1])[name])

    def play(asked: Asked) -> Says:
        name, args = asked.first_step or ("", {})
        match (asked.stage, len(asked.results)):
            case ("feature_engineering", 0):
                return Says(calls=((name, {**args, "leave_out": ["volume"], "lags": [1, 6]}),))
            case ("feature_engineering", 1):
                made.append(handle(asked, "data"))
                return Says(calls=(("follow_plan", {}),))
            case ("model_training", 0):
                own = {**args, "feature_data": made[0], "hyperparameters": {"C": 0.01}}
                return Says(calls=((name, own),))
            case ("model_training", 1):
                return Says(calls=(("cross_validate_model", {"model_id": handle(asked, "model_id")}),))
            case ("model_training", 2):
                return Says(calls=(("follow_plan", {}),))
            case _:
                return good(asked)

    session = house.open()
    outcome = house.run(session, thinking(serve(play)))
    assert isinstance(outcome, Completed), outcome
    with house.database.begin() as db:
        kept = artifacts.of_session(db, session, kind="forecasts")
    assert len({walk.details["features"] for walk in kept}) == 2
    again = house.run(repeat(house, session))
    assert isinstance(again, Completed), again
    found = differences.compare(outcome.result, again.result)
    assert (found.inputs, found.figures) == ((), ())
    assert again.result["verdict"]["candidates"] == 9
