"""What people see of a model's work and cost: the trace, the usage table, the meter in the card."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from bots import cards, commands
from bots.cli import main
from bots.progress import fold
from bots.words import words_of
from engine.budget import BudgetSettings
from storage.embedded import Services
from tests.engine.houses import House, thinking
from tests.engine.llm.players import good
from tests.model_server import ModelServer, Player

Serve = Callable[[Player], ModelServer]
KEY = "sk-test-0123456789abcdef0123"


def test_trace_usage_and_meter_tell_what_was_asked_answered_and_spent(
    house: House, serve: Serve, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    prices = BudgetSettings.model_validate({"llm_prices": "test-model=1/2"})
    session = house.open("eth up or down 1h ahead, last 20 days")
    house.run(session, thinking(serve(good)), prices, only_planning=True)
    [row] = house.usage(session)
    assert row.cost_usd == pytest.approx((row.input_tokens + 2 * row.output_tokens) / 1e6)

    monkeypatch.setenv("DATABASE_URL", house.database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", services.redis_url)

    def omc(*arguments: str) -> str:
        result = CliRunner().invoke(main, arguments, standalone_mode=False)
        assert result.exception is None, result.exception
        return result.output

    shown = omc("results", "R-1", "--trace")
    assert "planning  asks test-model" in shown
    assert (
        f"test-model answers: {row.input_tokens:,} + {row.output_tokens:,} tokens, ${row.cost_usd:.4f}"
        in shown
    )
    assert "→ Proposal({})" in shown
    whole = json.loads(omc("results", "R-1", "--trace", "--json"))
    assert [one["role"] for one in whole] == ["user", "prompt", "model"]
    assert "You are one agent of the Oh My Coins lab" in whole[1]["content"]
    assert KEY not in json.dumps(whole)

    [line] = json.loads(omc("usage", "--by", "model", "--json"))
    assert (line["name"], line["calls"], line["input_tokens"]) == ("test-model", 1, row.input_tokens)
    for by, name in {"user": "Ann", "agent": "planning", "session": "R-1"}.items():
        assert omc("usage", "--by", by).splitlines()[1].startswith(name)

    with house.database.begin() as db:
        progress = fold(commands.facts_of(db, session))
    footer = cards.card(progress, "R-1", datetime.now(UTC), words_of("en")).footer
    assert f"{row.input_tokens + row.output_tokens:,} tokens" in footer
    assert "of 1.00" in footer
    assert progress.usage["estimate"]["usd"] == pytest.approx(0.038)


def test_nothing_spent_is_said(house: House, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", house.database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("REDIS_URL", services.redis_url)
    result = CliRunner().invoke(main, ["usage"], standalone_mode=False)
    assert result.output == "No language model was asked in the last 30 days.\n"
