"""The registry of all tools: one toolbox per agent, and a toolbox is what its module holds.

A new tool is one function in its agent's module, nothing else.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

from langchain_core.tools import BaseTool

from engine.tools import analysis, evaluation, reporting, retrieval, training

TOOLBOXES: Mapping[str, ModuleType] = {
    "data_retrieval": retrieval,
    "data_analyst": analysis,
    "model_training": training,
    "model_evaluator": evaluation,
    "reporting": reporting,
}


class ToolRegistry:
    """Registry of all tools available to agents."""

    def get_tools_for_agent(self, agent_type: str) -> list[BaseTool]:
        """The toolbox of one agent. Raises KeyError for an agent that does not exist."""
        held = vars(TOOLBOXES[agent_type]).values()
        return [tool for tool in held if isinstance(tool, BaseTool)]

    def get_tools_by_name(self, names: Sequence[str]) -> list[BaseTool]:
        """Tools of any toolbox, for agents that people add. Raises KeyError."""
        known = {tool.name: tool for agent in TOOLBOXES for tool in self.get_tools_for_agent(agent)}
        return [known[name] for name in names]

    def names(self) -> set[str]:
        """The names of all tools."""
        return {tool.name for agent in TOOLBOXES for tool in self.get_tools_for_agent(agent)}
