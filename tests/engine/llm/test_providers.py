"""Every provider's real client against a server on loopback: answers, usage in every mode, limits, refusals."""

import socket
import time
from collections.abc import Callable

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import ValidationError

from engine.llm.failures import ModelFailure, explain
from engine.llm.models import Models
from engine.llm.prices import LISTED, PriceTable, parse_prices
from engine.llm.providers import open_model
from engine.llm.settings import ModelSettings
from tests.model_server import ModelServer, Player, Says

Serve = Callable[[Player], ModelServer]
KEY = "sk-test-0123456789abcdef0123"


@tool
def weigh(coin: str) -> str:
    """Weigh a coin."""
    return coin


def settings_for(provider: str, url: str, **more: object) -> ModelSettings:
    own: dict[str, dict[str, object]] = {
        "openai": {"openai_base_url": f"{url}/v1", "openai_api_key": KEY},
        "azure": {"azure_openai_endpoint": url, "azure_openai_api_key": KEY},
        "anthropic": {"anthropic_base_url": url, "anthropic_api_key": KEY},
    }
    common = {"llm_provider": provider, "agent_max_retries": 0, "llm_timeout_seconds": 60}
    return ModelSettings.model_validate({**common, **own[provider], **more})


def ask(settings: ModelSettings, *, seconds: float = 60) -> AIMessage:
    model = open_model(settings, "test-model")
    model.client.deadline = time.monotonic() + seconds
    with model.client:
        return model.bound([weigh], settings.max_tokens_per_request).invoke([HumanMessage("hello")])


def failure(settings: ModelSettings, *, seconds: float = 60) -> ModelFailure:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each library raises its own
        ask(settings, seconds=seconds)
    return explain(raised.value, settings, "test-model")


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("provider", ["openai", "azure", "anthropic"])
def test_each_provider_uses_tools_and_counts_tokens_in_every_mode(
    serve: Serve, provider: str, streamed: bool
) -> None:
    server = serve(lambda asked: Says(text="hm", calls=(("weigh", {"coin": "btc"}),), usage=(123, 45)))
    said = ask(settings_for(provider, server.url, enable_streaming=streamed, max_tokens_per_request=77))
    assert [(call["name"], call["args"]) for call in said.tool_calls] == [("weigh", {"coin": "btc"})]
    assert said.usage_metadata is not None
    assert (said.usage_metadata["input_tokens"], said.usage_metadata["output_tokens"]) == (123, 45)
    asked = server.asked[0]
    assert bool(asked.body.get("stream")) is streamed
    assert 77 in (asked.body.get("max_tokens"), asked.body.get("max_completion_tokens"))
    assert asked.tools == ["weigh"]


def test_azure_asks_for_its_deployment_and_version(serve: Serve) -> None:
    server = serve(lambda asked: Says(calls=(("weigh", {"coin": "btc"}),)))
    ask(settings_for("azure", server.url))
    assert server.asked[0].path == "/openai/deployments/test-model/chat/completions?api-version=2024-10-21"


def test_a_compatible_server_needs_no_key_and_is_not_told_to_use_a_tool(serve: Serve) -> None:
    """Not every such server knows tool_choice "required"."""
    server = serve(lambda asked: Says(calls=(("weigh", {"coin": "btc"}),)))
    ask(ModelSettings.model_validate({"openai_base_url": f"{server.url}/v1"}))
    assert "tool_choice" not in server.asked[0].body


def test_a_server_that_asks_to_wait_is_asked_again_when_it_said(serve: Serve) -> None:
    waits = [Says(status=429, headers={"Retry-After": "1"}), Says(calls=(("weigh", {"coin": "btc"}),))]
    times: list[float] = []

    def play(asked: object) -> Says:
        times.append(time.monotonic())
        return waits[len(times) - 1]

    assert ask(settings_for("openai", serve(play).url, agent_max_retries=1)).tool_calls
    assert times[1] - times[0] >= 1


@pytest.mark.parametrize("provider", ["openai", "azure", "anthropic"])
@pytest.mark.parametrize(
    ("says", "kind", "words"),
    [
        (Says(status=401), "lasting", "refused the key: check"),
        (Says(status=404, error={"message": "no such model"}), "lasting", "does not know the model 'test-model'"),
        (Says(status=402), "lasting", "no credit left"),
        (Says(status=429), "passing", "no more requests"),
        (Says(status=500), "passing", "a fault of its own (HTTP 500)"),
        (Says(status=400, error={"message": f"bad {KEY}"}), "reply", "HTTP 400: bad [secret]"),
    ],
    ids=["key", "model", "credit", "busy", "broken", "request"],
)  # fmt: skip
def test_what_a_server_refuses_is_one_sentence(
    serve: Serve, provider: str, says: Says, kind: str, words: str
) -> None:
    found = failure(settings_for(provider, serve(lambda _: says).url))
    assert found.kind == kind
    assert words in found.message
    assert "\n" not in found.message


def test_no_credit_left_is_told_from_too_many_requests(serve: Serve) -> None:
    error = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
    found = failure(settings_for("openai", serve(lambda _: Says(status=429, error=error)).url))
    assert (found.kind, "no credit" in found.message) == ("lasting", True)


def test_a_server_that_is_not_there_is_said_to_be_unreachable() -> None:
    found = failure(settings_for("openai", "http://127.0.0.1:9"))
    wanted = "The model's server cannot be reached at 127.0.0.1:9: check OPENAI_BASE_URL."
    assert (found.kind, found.message) == ("passing", wanted)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_an_answer_that_is_cut_is_told_from_a_server_that_is_not_there(serve: Serve, streamed: bool) -> None:
    server = serve(lambda _: Says(text="I will now " * 200, cut_after=700))
    found = failure(settings_for("openai", server.url, enable_streaming=streamed))
    assert (found.kind, found.message) == ("reply", "The model's server broke its answer off in the middle.")


def test_an_address_without_its_path_is_told_from_an_unknown_model(serve: Serve) -> None:
    server = serve(lambda _: Says(status=404, error={"message": "Not Found"}))
    found = failure(ModelSettings.model_validate({"openai_base_url": server.url, "agent_max_retries": 0}))
    assert "check OPENAI_BASE_URL (most end in /v1), and that the server has test-model" in found.message


@pytest.mark.parametrize("provider", ["openai", "azure", "anthropic"])
def test_an_answer_is_asked_for_as_short_as_what_is_left(serve: Serve, provider: str) -> None:
    server = serve(lambda _: Says(calls=(("weigh", {"coin": "btc"}),)))
    model = open_model(settings_for(provider, server.url, max_tokens_per_request=4_000), "test-model")
    with model.client:
        model.bound([weigh], 300).invoke([HumanMessage("hello")])
    body = server.asked[0].body
    asked = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
    assert [most for most in asked if most is not None] == [300]


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_an_answer_has_an_end_in_time(serve: Serve, streamed: bool) -> None:
    server = serve(lambda _: Says(calls=(("weigh", {"coin": "btc"}),), hang_seconds=20))
    began = time.monotonic()
    found = failure(settings_for("openai", server.url, llm_timeout_seconds=0.5, enable_streaming=streamed))
    assert (found.kind, found.message) == ("passing", "The model's server did not answer in time.")
    assert time.monotonic() - began < 10


def test_an_answer_has_an_end_in_length(serve: Serve) -> None:
    server = serve(lambda _: Says(raw=b" " * 5_000_000))
    assert failure(settings_for("openai", server.url, enable_streaming=False)).kind in ("passing", "reply")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"llm_provider": "openai"}, "set OPENAI_API_KEY"),
        ({"llm_provider": "azure", "azure_openai_api_key": "k"}, "AZURE_OPENAI_ENDPOINT"),
        ({"llm_provider": "anthropic"}, "set ANTHROPIC_API_KEY"),
        ({"llm_models": "reporting"}, "agent=model"),
        ({"llm_provider": "gemini"}, "offline"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_to_do(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ModelSettings.model_validate(settings)


def test_who_thinks_follows_from_the_keys_there_are() -> None:
    assert ModelSettings().provider == "offline"
    assert ModelSettings.model_validate({"openai_api_key": KEY}).provider == "openai"
    assert ModelSettings.model_validate({"anthropic_api_key": KEY}).default_model == "claude-haiku-4-5"
    own = ModelSettings.model_validate(
        {"openai_api_key": KEY, "llm_models": "reporting=big, planning = bigger"}
    )
    assert [own.model_of(agent) for agent in ("reporting", "planning", "data_analyst")] == [
        "big", "bigger", "gpt-4.1-mini",
    ]  # fmt: skip
    assert KEY not in repr(own)


def test_prices_are_found_by_name_and_a_model_nobody_names_has_none() -> None:
    table = PriceTable(parse_prices("mine=1/2, gpt-4.1-mini=0.5/2"))
    assert table.find("mine").of(1_000_000, 500_000) == 2.0
    assert table.find("gpt-4.1-mini-2025-04-14").input_usd == 0.5
    assert table.find("gpt-4.1-2025-04-14").input_usd == LISTED["gpt-4.1"][0]
    assert table.find("claude-haiku-4-5-20251001").known
    for unknown in ("brand-new", "gpt-5-pro", "gpt-4.1-ultra", "o3-pro"):
        assert not table.find(unknown).known, "another model's price must not stand in"
    own_server = PriceTable({}, free_if_unknown=True).find("llama")
    assert (own_server.known, own_server.of(10**6, 10**6)) == (True, 0)
    with pytest.raises(ValueError, match="two numbers"):
        parse_prices("mine=1")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"LLM_PROVIDER": "gemini"}, "LLM_PROVIDER cannot be used: input should be 'offline'"),
        ({"OPENAI_BASE_URL": "localhost"}, "OPENAI_BASE_URL cannot be used"),
        ({"OPENAI_BASE_URL": "ftp://host/v1"}, "URL scheme should be 'http' or 'https', such as http://"),
        ({"AZURE_OPENAI_API_KEY": "k"}, "AZURE_OPENAI_API_KEY is set and AZURE_OPENAI_ENDPOINT is not"),
        ({"LLM_PROVIDER": "anthropic"}, "LLM_PROVIDER is anthropic: set ANTHROPIC_API_KEY."),
    ],
    ids=["provider", "no URL", "scheme", "half of Azure", "no key"],
)
def test_settings_that_cannot_be_used_leave_the_planner_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], words: str
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    models = Models.of_environment({})
    assert not models.are_there
    assert words in models.problem
    assert "\n" not in models.problem


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_the_tests_call_no_real_model(provider: str) -> None:
    settings = ModelSettings.model_validate(
        {
            "llm_provider": provider,
            f"{provider}_api_key": KEY,
            "agent_max_retries": 0,
            "llm_timeout_seconds": 5,
        }
    )
    assert failure(settings).kind == "passing"
    with pytest.raises(ConnectionRefusedError, match="nobody outside"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
