"""The models of one process, opened when first asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.llm.prices import PriceTable
from engine.llm.settings import ModelSettings
from storage import redaction

if TYPE_CHECKING:
    from engine.llm.providers import ChatModel


@dataclass
class Models:
    """Who thinks for the agents, if anybody does."""

    settings: ModelSettings
    prices: PriceTable
    _open: "dict[str, ChatModel]" = field(default_factory=dict)

    @classmethod
    def of(cls, settings: ModelSettings, prices: Mapping[str, tuple[float, float]]) -> "Models":
        """The models that settings name; their keys are hidden from everything this process writes."""
        redaction.hide(*settings.secrets)
        return cls(settings, PriceTable(prices, free_if_unknown=settings.is_compatible_server))

    @classmethod
    def none(cls) -> "Models":
        """Nobody: the offline planner does everything."""
        return cls(ModelSettings.model_construct(llm_provider="offline"), PriceTable({}))

    @property
    def are_there(self) -> bool:
        """Whether there is a language model to ask."""
        return self.settings.provider != "offline"

    def open(self, name: str) -> "ChatModel":
        """The model of this name. Raises what its provider raises for settings it cannot use."""
        if name not in self._open:
            from engine.llm.providers import open_model

            self._open[name] = open_model(self.settings, name)
        return self._open[name]

    def preload(self) -> None:
        """Import the provider's library, once for every process forked from this one. Raises NoProvider."""
        if self.are_there:
            from engine.llm.providers import import_library

            import_library(self.settings.provider)

    def close(self) -> None:
        """Let go of the connections to the models' servers."""
        for model in self._open.values():
            model.client.close()
        self._open.clear()
