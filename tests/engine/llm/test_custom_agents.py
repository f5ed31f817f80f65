"""Agents that people add as files: checked at start, held to their tools, left out without a model."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.agents import PIPELINE, pipeline, stages
from engine.custom_agents import BadAgent, load
from tests.engine.houses import House, thinking
from tests.engine.llm.players import conclude, good
from tests.model_server import Asked, ModelServer, Player, Says

Serve = Callable[[Player], ModelServer]
WEEKENDS = """+++
after = "data_analysis"
tools = ["get_data_statistics"]
+++
Your stage: weekends. Say whether prices moved differently at weekends.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weekends.md").write_text(WEEKENDS)
    return tmp_path


def test_an_agent_of_ones_own_works_in_its_place_with_its_own_tools(
    house: House, serve: Serve, folder: Path
) -> None:
    def play(asked: Asked) -> Says:
        return conclude("Weekends look like other days.") if asked.stage == "weekends" else good(asked)

    server = serve(play)
    report = house.report(house.run(house.open(), thinking(server), customs=load(folder)))
    [asked] = [one for one in server.asked if one.stage == "weekends"]
    assert "moved differently at weekends" in asked.messages[0]["content"]
    assert sorted(asked.tools) == ["Conclusion", "Question", "follow_plan", "get_data_statistics"]
    assert "Weekends: Weekends look like other days." in report.replace("**", "")
    later = next(one for one in server.asked if one.stage == "feature_engineering")
    assert "<found_weekends>" in str(later.messages)


def test_without_a_model_it_is_left_out_and_the_run_is_what_it_was(house: House, folder: Path) -> None:
    session = house.open()
    report = house.report(house.run(session, customs=load(folder)))
    assert "left out: it needs a language model" in report


def test_it_goes_where_its_stage_goes(folder: Path) -> None:
    (folder / "doubts.md").write_text(WEEKENDS.replace("data_analysis", "model_evaluation"))
    customs = load(folder)
    names = [stage.name for stage in pipeline(customs)]
    assert names[names.index("data_analysis") + 1] == "weekends"
    assert names[names.index("model_evaluation") + 1] == "doubts"
    assert "doubts" not in [stage.name for stage in stages({"task": "eda"}, customs)]
    assert pipeline(load(None)) == PIPELINE


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("Weekends.md", WEEKENDS, "small letters"),
        ("reporting.md", WEEKENDS, "not one of ours"),
        ("plain.md", "Look at weekends.", r"between two lines of \+\+\+"),
        ("toml.md", WEEKENDS.replace('"data_analysis"', "data_analysis"), "no TOML"),
        ("place.md", WEEKENDS.replace("data_analysis", "the_end"), "after must be one of"),
        ("tool.md", WEEKENDS.replace("get_data_statistics", "os_system"), "no tool 'os_system'"),
        ("key.md", WEEKENDS.replace("tools", "tool"), "tool: Extra inputs"),
        ("short.md", WEEKENDS.split("Your stage")[0] + "Look.", "20 to 6,000 characters"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadAgent, match=words) as raised:
        load(tmp_path)
    assert name in str(raised.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadAgent, match="no folder"):
        load(tmp_path / "nowhere")
