"""The five agents and the flow they work in, declared once.

PIPELINE is the whole flow after planning: `engine/graph.py` turns it into nodes and edges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import policies, prompts
from engine.llm.offline import Policy


@dataclass(frozen=True)
class Stage:
    """One step of the flow: who does it, by which policy, and when it is left out.

    `optional` stages are decided by the one before; `forecasts` stages are left out where nothing is to be forecast.
    `prompt` is the agent's own part of what a language model is told. The last three are those of people's own
    agents (`engine/custom_agents.py`): the stage it follows, its tools by name, its prompt.
    """

    name: str
    agent: str
    policy: Policy
    optional: bool = False
    forecasts: bool = False
    after: str = ""
    tools: tuple[str, ...] = ()
    own_prompt: str = ""

    @property
    def prompt(self) -> str:
        return self.own_prompt or prompts.read(self.agent)


# The agents, by the names under which the tool registry knows them.
AGENTS = ("data_retrieval", "data_analyst", "model_training", "model_evaluator", "reporting")

PIPELINE: tuple[Stage, ...] = (
    Stage("data_retrieval", "data_retrieval", policies.retrieve),
    Stage("data_analysis", "data_analyst", policies.analyse),
    Stage("feature_engineering", "data_analyst", policies.engineer_features, forecasts=True),
    Stage("model_training", "model_training", policies.train, forecasts=True),
    Stage("model_evaluation", "model_evaluator", policies.evaluate, forecasts=True),
    Stage("hyperparameter_tuning", "model_evaluator", policies.tune, optional=True, forecasts=True),
    Stage("reporting", "reporting", policies.report),
)


def stages(spec: Mapping[str, Any], customs: tuple[Stage, ...] = ()) -> tuple[Stage, ...]:
    """The stages that a goal of this spec goes through, in their order, with people's own agents among them."""
    return tuple(stage for stage in pipeline(customs) if not (stage.forecasts and spec.get("task") == "eda"))


def pipeline(customs: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """PIPELINE with people's own agents in their places."""
    return tuple(
        stage for own in PIPELINE for stage in (own, *(one for one in customs if one.after == own.name))
    )
