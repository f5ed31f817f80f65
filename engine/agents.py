"""The five agents and the flow they work in, declared once.

PIPELINE is the whole flow after planning: `engine/graph.py` turns it into nodes and edges.
"""

from dataclasses import dataclass

from engine import policies
from engine.llm.offline import Policy


@dataclass(frozen=True)
class Stage:
    """One step of the flow: who does it, by which policy, and when it is left out."""

    name: str
    agent: str
    policy: Policy
    optional: bool = False


# The agents, by the names under which the tool registry knows them.
AGENTS = ("data_retrieval", "data_analyst", "model_training", "model_evaluator", "reporting")

PIPELINE: tuple[Stage, ...] = (
    Stage("data_retrieval", "data_retrieval", policies.retrieve),
    Stage("data_analysis", "data_analyst", policies.analyse),
    Stage("feature_engineering", "data_analyst", policies.engineer_features),
    Stage("model_training", "model_training", policies.train),
    Stage("model_evaluation", "model_evaluator", policies.evaluate),
    Stage("hyperparameter_tuning", "model_evaluator", policies.tune, optional=True),
    Stage("reporting", "reporting", policies.report),
)
