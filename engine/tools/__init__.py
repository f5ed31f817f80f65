"""The registry of all tools: one toolbox per agent."""

from collections.abc import Mapping

from langchain_core.tools import BaseTool

from engine.tools import analysis, evaluation, reporting, retrieval, training

TOOLBOXES: Mapping[str, tuple[BaseTool, ...]] = {
    "data_retrieval": (
        retrieval.get_available_coins,
        retrieval.fetch_price_data,
        retrieval.get_data_statistics,
    ),
    "data_analyst": (
        analysis.clean_data,
        analysis.calculate_technical_indicators,
        analysis.create_features,
    ),
    "model_training": (
        training.train_classification_model,
        training.train_regression_model,
        training.cross_validate_model,
    ),
    "model_evaluator": (
        evaluation.evaluate_model,
        evaluation.compare_models,
        evaluation.tune_hyperparameters,
        training.cross_validate_model,
    ),
    "reporting": (reporting.generate_summary,),
}


class ToolRegistry:
    """Registry of all tools available to agents."""

    def get_tools_for_agent(self, agent_type: str) -> list[BaseTool]:
        """The toolbox of one agent. Raises KeyError for an agent that does not exist."""
        return list(TOOLBOXES[agent_type])
