"""The models of one process, opened when first asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import ValidationError

from engine.errors import EngineError
from engine.llm.prices import PriceTable
from engine.llm.settings import ModelSettings
from storage import redaction

if TYPE_CHECKING:
    from engine.llm.providers import ChatModel


@dataclass
class Models:
    """Who thinks for the agents, if anybody does. `problem` says why nobody does though somebody was named."""

    settings: ModelSettings
    prices: PriceTable
    problem: str = ""
    _open: "dict[str, ChatModel]" = field(default_factory=dict)

    @classmethod
    def of(cls, settings: ModelSettings, prices: Mapping[str, tuple[float, float]]) -> "Models":
        """The models that settings name; their keys are hidden from everything this process writes."""
        redaction.hide(*settings.secrets)
        return cls(settings, PriceTable(prices, free_if_unknown=settings.is_compatible_server))

    @classmethod
    def none(cls, problem: str = "") -> "Models":
        """Nobody: the offline planner does everything."""
        return cls(ModelSettings.model_construct(llm_provider="offline"), PriceTable({}), problem)

    @classmethod
    def of_environment(cls, prices: Mapping[str, tuple[float, float]]) -> "Models":
        """The models that the environment names, their library loaded; nobody, with the reason, where they cannot be used."""
        try:
            models = cls.of(ModelSettings(), prices)
            models.preload()
        except ValidationError as error:
            return cls.none(worded(error))
        except EngineError as error:
            return cls.none(str(error))
        return models

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


def worded(error: ValidationError) -> str:
    """What is wrong with the settings of a model, in one sentence that names the setting."""
    first = error.errors(include_url=False, include_input=False)[0]
    why = first["msg"].removeprefix("Value error, ").rstrip(".")
    if not first["loc"]:
        return f"{why}."
    name = str(first["loc"][0]).upper()
    hint = ", such as http://localhost:11434/v1" if "url" in first["type"] else ""
    why = why if why[1:2].isupper() else f"{why[:1].lower()}{why[1:]}"
    return f"{name} cannot be used: {why}{hint}."
