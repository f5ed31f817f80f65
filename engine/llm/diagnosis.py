"""What is configured about language models, and whether it works: the words of `omc doctor`. No key is ever shown."""

import time

from langchain_core.messages import HumanMessage

from engine.budget import BudgetSettings
from engine.llm.failures import explain
from engine.llm.models import Models
from engine.llm.prices import LISTED_AT, Price

PROVIDERS = {"openai": "OpenAI", "azure": "Azure OpenAI", "anthropic": "Anthropic"}
CHECK_SECONDS = 20.0
CHECK_TOKENS = 256
_TOOL = {
    "type": "function",
    "function": {
        "name": "ready",
        "description": "Say that you can use a tool.",
        "parameters": {"type": "object", "properties": {}},
    },
}


def names(models: Models) -> list[str]:
    """Every model that may be asked, the usual one first, the fallback last."""
    settings = models.settings
    found = [settings.default_model, *settings.llm_models.values(), settings.llm_fallback_model or ""]
    return [name for name in dict.fromkeys(found) if name]


def described(models: Models) -> str:
    """Who thinks, where, with which models and key, in one line."""
    settings = models.settings
    where = f" at {settings.host}" if settings.host else ""
    who = "an OpenAI-compatible server" if settings.is_compatible_server else PROVIDERS[settings.provider]
    others = ", ".join(f"{model} for {agent}" for agent, model in settings.llm_models.items())
    parts = [
        f"{who}{where}",
        f"{settings.default_model}{f' ({others})' if others else ' for every agent'}",
        f"fallback {settings.llm_fallback_model}" if settings.llm_fallback_model else "no fallback model",
        f"{settings.key_name} is set" if settings.secrets else "no key",
    ]
    return "; ".join(parts)


def priced(models: Models) -> tuple[bool, str]:
    """Whether the price of every model is known, and what each costs."""
    found = {name: models.prices.find(name) for name in names(models)}
    text = "; ".join(f"{name} {_price(price)}" for name, price in found.items())
    if all(price.known for price in found.values()):
        own = any(name in models.prices.own for name in found)
        free = models.settings.is_compatible_server
        return True, f"{text}{'' if own or free else f' (list prices of {LISTED_AT}; LLM_PRICES overrides)'}"
    return (
        False,
        f"{text}: only the limits in tokens hold for it; set LLM_PRICES={_first_unknown(found)}=in/out",
    )


def limited(budgets: BudgetSettings) -> str:
    """What may be spent, in one line."""
    parts = [
        f"{tokens or 0:,} tokens or ${usd or 0:.2f} {per}"
        for tokens, usd, per in (
            (budgets.budget_session_tokens, budgets.budget_session_usd, "a run"),
            (budgets.budget_user_day_tokens, budgets.budget_user_day_usd, "a person and day"),
            (budgets.budget_day_tokens, budgets.budget_day_usd, "a day in all"),
        )
    ]
    return f"at most {', '.join(parts)}; asks before a run above ${budgets.budget_approval_usd:.2f}"


def unknown_agents(models: Models, known: tuple[str, ...]) -> list[str]:
    """Agents of LLM_MODELS that there are not."""
    return [agent for agent in models.settings.llm_models if agent not in known]


def tried(models: Models, name: str) -> tuple[bool, str]:
    """Ask a model once, for a tool call of a few tokens: whether it answers as agents need it, in one line."""
    began = time.monotonic()
    try:
        model = models.open(name)
        model.client.deadline = began + CHECK_SECONDS
        said = model.bound([_TOOL], CHECK_TOKENS).invoke(
            [HumanMessage("Call the tool `ready`, and say nothing else.")]
        )
    except Exception as error:
        # Whatever a provider's library raises is what was asked for here.
        return False, explain(error, models.settings, name).message
    used = said.usage_metadata["total_tokens"] if said.usage_metadata else None
    cost = f", {used:,} tokens" if used else ", and does not say how many tokens it used"
    answers = f"{name} answers in {time.monotonic() - began:.1f} s{cost}"
    if not said.tool_calls:
        return False, f"{answers}, but used no tool: agents need a model that can"
    return True, f"{answers}, and uses tools"


def _price(price: Price) -> str:
    if not price.known:
        return "price unknown"
    if not (price.input_usd or price.output_usd):
        return "costs nothing unless LLM_PRICES says so"
    return f"${price.input_usd:.2f} in, ${price.output_usd:.2f} out per million tokens"


def _first_unknown(found: dict[str, Price]) -> str:
    return next(name for name, price in found.items() if not price.known)
