"""The providers of language models: one entry each. Their libraries are imported when a model is opened."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from engine.errors import EngineError
from engine.llm.http import LimitedClient, open_client
from engine.llm.settings import ModelSettings


class NoProvider(EngineError):
    """The library of the provider that was chosen is not installed."""


@dataclass(frozen=True)
class ChatModel:
    """A model that can be asked: its name, its client, and how it is told to use a tool."""

    name: str
    chat: BaseChatModel
    client: LimitedClient
    tool_choice: str | None
    length_option: str = "max_tokens"

    def bound(self, tools: Sequence[Any], most_tokens: int) -> Runnable[Any, AIMessage]:
        """The model with these tools, its answer at most so long; told to use one of them where it can be told."""
        options: dict[str, Any] = {self.length_option: most_tokens}
        if self.tool_choice:
            options["tool_choice"] = self.tool_choice
        return self.chat.bind_tools(tools, **options)


def import_library(provider: str) -> None:
    """Load the library of a provider. Raises NoProvider."""
    try:
        importlib.import_module({"anthropic": "engine.llm.anthropic"}.get(provider, "langchain_openai"))
    except ImportError as error:
        raise NoProvider(
            f"LLM_PROVIDER is {provider}, and its library is not installed: add the extra `{provider}`."
        ) from error


def open_model(settings: ModelSettings, name: str) -> ChatModel:
    """A model by its name. Raises NoProvider, and whatever the provider's library makes of bad settings."""
    client = open_client(settings.llm_timeout_seconds)
    chat, tool_choice = PROVIDERS[settings.provider](settings, name, client)
    # Azure's client would send its own limit beside one under the older name.
    option = "max_completion_tokens" if settings.provider == "azure" else "max_tokens"
    return ChatModel(name, chat, client, tool_choice, option)


def _openai(settings: ModelSettings, name: str, client: LimitedClient) -> tuple[BaseChatModel, str | None]:
    from langchain_openai import ChatOpenAI

    compatible = settings.is_compatible_server
    chat = ChatOpenAI(
        model=name,
        # Local servers want no key, the library insists on one.
        api_key=settings.openai_api_key or "none",
        base_url=str(settings.openai_base_url) if compatible else None,
        # The library would guess from the model's name; compatible servers speak the older protocol.
        use_responses_api=False if compatible else None,
        http_client=client,
        # For the asynchronous client, which is not used: otherwise it warns of proxies.
        http_socket_options=(),
        max_tokens=settings.max_tokens_per_request,
        # Without this a stream from another server than OpenAI's carries no usage.
        stream_usage=True,
        **_common(settings),
    )
    # Not every compatible server knows "required"; a plain answer is asked for again instead.
    return chat, None if compatible else "required"


def _azure(settings: ModelSettings, name: str, client: LimitedClient) -> tuple[BaseChatModel, str | None]:
    from langchain_openai import AzureChatOpenAI

    chat = AzureChatOpenAI(
        azure_endpoint=str(settings.azure_openai_endpoint).rstrip("/"),
        azure_deployment=name,
        model=name,
        api_key=settings.azure_openai_api_key,
        api_version=settings.openai_api_version,
        http_client=client,
        # For the asynchronous client, which is not used: otherwise it warns of proxies.
        http_socket_options=(),
        max_tokens=settings.max_tokens_per_request,
        stream_usage=True,
        **_common(settings),
    )
    return chat, "required"


def _anthropic(settings: ModelSettings, name: str, client: LimitedClient) -> tuple[BaseChatModel, str | None]:
    import_library("anthropic")
    from engine.llm.anthropic import LimitedAnthropic

    assert settings.anthropic_api_key is not None
    chat = LimitedAnthropic(
        model_name=name,
        api_key=settings.anthropic_api_key,
        base_url=str(settings.anthropic_base_url or "https://api.anthropic.com").rstrip("/"),
        max_tokens_to_sample=settings.max_tokens_per_request,
        stream_usage=True,
        http_client=client,
        **_common(settings),
    )
    return chat, "any"


def _common(settings: ModelSettings) -> dict[str, Any]:
    return {
        "timeout": settings.llm_timeout_seconds,
        "max_retries": settings.agent_max_retries,
        "streaming": settings.enable_streaming,
    }


PROVIDERS: Mapping[str, Callable[[ModelSettings, str, LimitedClient], tuple[BaseChatModel, str | None]]] = {
    "openai": _openai,
    "azure": _azure,
    "anthropic": _anthropic,
}
