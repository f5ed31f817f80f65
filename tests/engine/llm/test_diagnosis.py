"""`omc doctor` on language models: who thinks, at what price, within what limits, and whether they answer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bots.cli import main
from storage.embedded import Services
from tests.engine.houses import House
from tests.model_server import Asked, ModelServer, Player, Says

Serve = Callable[[Player], ModelServer]
KEY = "sk-test-0123456789abcdef0123"


@pytest.fixture
def doctor(
    house: House, services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., list[str]]:
    """The lines of `omc doctor` about models, under these environment names."""
    monkeypatch.setenv("DATABASE_URL", house.database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", services.redis_url)
    monkeypatch.setenv("OMC_HOME", str(tmp_path))

    def look(*arguments: str, **names: str) -> list[str]:
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        said = CliRunner().invoke(main, ["doctor", *arguments]).output
        assert KEY not in said
        return [line for line in said.splitlines() if " model " in line or " budget " in line]

    return look


def ready(asked: Asked) -> Says:
    """Answers the check where the key is right and the model is known."""
    if KEY not in str(asked.headers):
        return Says(status=401)
    if asked.body["model"] == "gone":
        return Says(status=404, error={"message": "no such model"})
    return Says(calls=(("ready", {}),)) if asked.body["model"] == "mini" else Says(text="Ready!")


def test_doctor_says_who_thinks_and_asks_only_when_told_to(
    doctor: Callable[..., list[str]], serve: Serve
) -> None:
    server = serve(ready)
    names = {
        "OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": "mini",
        "LLM_MODELS": "reporting=chatty,report=mini", "LLM_FALLBACK_MODEL": "gone", "LLM_PRICES": "mini=1/2",
    }  # fmt: skip
    lines = doctor(**names)
    assert not server.asked
    host = server.url.removeprefix("http://")
    assert f"an OpenAI-compatible server at {host}; mini (chatty for reporting, mini for report)" in lines[0]
    assert "fallback gone; OPENAI_API_KEY is set" in lines[0]
    assert lines[1].startswith("✗ failed")
    assert "LLM_MODELS names 'report'; there are planning, data_retrieval" in lines[1]
    assert "mini $1.00 in, $2.00 out per million tokens; chatty costs nothing" in lines[2]
    assert "at most 200,000 tokens or $1.00 a run" in lines[3]
    assert len(lines) == 4

    tried = doctor("--check-model")[4:]
    assert len(server.asked) == 3
    assert tried[0].startswith("✓ ok     model     mini answers in ")
    assert tried[0].endswith("and uses tools")
    assert tried[1].endswith("used no tool: agents need a model that can")
    assert (
        tried[2]
        == "✗ failed model     The model's server does not know the model 'gone': check OPENAI_MODEL."
    )


def test_doctor_says_what_is_wrong_and_that_runs_go_on(doctor: Callable[..., list[str]]) -> None:
    [none] = doctor()
    assert none.startswith("· note   model     none: the offline planner thinks, at no cost")
    lines = doctor(ANTHROPIC_API_KEY=KEY, ANTHROPIC_MODEL="claude-zeta")
    assert "Anthropic; claude-zeta for every agent; no fallback model; ANTHROPIC_API_KEY is set" in lines[0]
    assert "claude-zeta price unknown: only the limits in tokens hold for it" in lines[1]
    [wrong] = doctor(LLM_PROVIDER="gemini")
    assert wrong.startswith("✗ failed model     LLM_PROVIDER cannot be used: input should be 'offline'")
    assert wrong.endswith("Until then runs go on with the offline planner.")
