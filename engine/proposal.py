"""What a language model adds to the reading of a goal: values for what the person left open, or one question.

It answers in words that the grammar of goals reads again, so the spec is made, checked and completed by the same
code as without a model, and nothing the person stated can change.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, Field, ValidationError

from engine import briefing, guard, prompts
from engine.goals import Ask, Outcome, Run, Spec
from engine.llm.failures import ModelFailure
from engine.thinking import ask
from engine.untrusted import clean, fence
from engine.work import Work

AGENT = "planning"
MOST_TRIES = 2
SLOTS = ("coins", "target", "horizon", "period", "interval", "models", "indicators")
WORDS = {"direction": "up or down", "return": "the return in percent", "volatility": "the volatility", "eda": "a look at the data"}  # fmt: skip


class Proposal(BaseModel):
    """Values for what the goal leaves open; leave out what is not meant."""

    coins: list[str] | None = Field(None, max_length=20, description='Held coins to predict, e.g. ["eth"].')
    target: Literal["direction", "return", "volatility", "eda"] | None = None
    horizon: str | None = Field(None, max_length=20, description="How far ahead, e.g. 1h.")
    period: str | None = Field(None, max_length=60, description="How much history, e.g. 90d.")
    interval: str | None = Field(None, max_length=20, description="Candle size, e.g. 15m.")
    models: list[str] | None = Field(None, max_length=6, description="Models to train, by name.")
    indicators: list[str] | None = Field(None, max_length=12, description='e.g. ["RSI_14", "MACD"].')
    why: str = Field("", max_length=600, description="How you understood the goal, in a sentence.")


class Question(BaseModel):
    """Ask the person the one thing that must be known first."""

    about: Literal["coins", "target", "horizon", "period", "models"]
    question: str = Field(min_length=3, max_length=500)
    choices: list[str] = Field(
        min_length=2, max_length=5, description="Values of the slot, e.g. 1h, as they can be answered."
    )
    recommended: str = Field(description="One of the choices; taken when nobody answers.")


@dataclass(frozen=True)
class Thought:
    """What the model made of a goal: plain JSON for the graph's state."""

    values: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    model: str = ""
    question: dict[str, Any] | None = None
    offline: str = ""  # why the run has no model any more
    primary_down: str = ""  # why it goes on with the fallback


def propose(work: Work, goal: str, reading: Outcome, coins: Mapping[str, str], earlier: list[str]) -> Thought:
    """Ask the model about a goal and how it was read. Never raises for what a model says."""
    settings = work.models.settings
    model = settings.model_of(AGENT)
    asked: list[BaseMessage] = [
        SystemMessage(prompts.system_prompt(prompts.read(AGENT), has_tools=False)),
        HumanMessage(_brief(goal, reading, coins, earlier)),
    ]
    down = ""
    for _ in range(MOST_TRIES):
        work.check()
        said = ask(work, AGENT, model, asked, [Proposal, Question], seconds=2 * settings.llm_timeout_seconds)
        if isinstance(said, ModelFailure) and said.kind != "reply":
            if settings.llm_fallback_model and model != settings.llm_fallback_model and said.kind != "budget":
                model, down = settings.llm_fallback_model, said.message
                continue
            return Thought(offline=said.message)
        thought = said.message if isinstance(said, ModelFailure) else _read(said, model, reading.as_dict())
        if isinstance(thought, Thought):
            return replace(thought, primary_down=down)
        asked = [*asked[:2], briefing.nudge(thought)]
    return Thought(primary_down=down)


def merge(
    reading: Outcome, thought: Thought, read_with: Callable[[dict[str, Any]], Outcome]
) -> tuple[Outcome, tuple[str, ...]]:
    """The reading with the model's values where the person stated nothing, and the slots it filled.

    `read_with` reads the goal again with preferences. The first reading stands when the second would lose or change
    anything that was stated, or comes to no run.
    """
    before = reading.spec if isinstance(reading, Run) else getattr(reading, "draft", None) or Spec()
    open_values = {name: value for name, value in thought.values.items() if name not in before.stated}
    if isinstance(reading, Ask) and reading.about in before.stated:
        return reading, ()  # what the person said twice is theirs to decide
    if not open_values:
        return reading, ()
    after = read_with(open_values)
    if (
        isinstance(after, Ask)
        and isinstance(reading, Ask)
        and after.about not in (reading.about, *open_values)
    ):
        return after, tuple(open_values)  # one thing is understood, another one must still be asked
    if not isinstance(after, Run) or not _keeps(before, after.spec):
        return reading, ()
    filled = tuple(slot for slot in open_values if slot in after.spec.stated)
    said = dict.fromkeys(filled, f"chosen by {thought.model}")
    spec = replace(after.spec, stated=before.stated, reasons={**after.spec.reasons, **said})
    return Run(spec), filled


def _keeps(before: Spec, after: Spec) -> bool:
    """Whether everything that was stated is as it was."""
    fields = {
        "coins": ("coins", "driver_coins"), "target": ("task", "target"), "horizon": ("horizons",),
        "interval": ("interval_minutes",), "period": ("start", "end"), "models": ("models",),
        "indicators": ("indicators",), "costs": ("costs_bps", "costs_stated"), "metric": ("metric",),
    }  # fmt: skip
    same_costs = (before.costs_bps, before.costs_stated) == (after.costs_bps, after.costs_stated)
    return same_costs and all(
        getattr(before, name) == getattr(after, name)
        for slot in before.stated
        for name in fields.get(slot, ())
        # A draft beside a question may not have its dates yet.
        if getattr(before, name) not in (None, (), "")
    )


def _brief(goal: str, reading: Outcome, coins: Mapping[str, str], earlier: list[str]) -> str:
    read = reading.as_dict()
    for part in ("spec", "draft"):
        if isinstance(read.get(part), dict):
            read[part] = {
                name: value for name, value in read[part].items() if value and name in briefing.SPEC
            }
    listed = ", ".join(f"{coin} ({span})" for coin, span in sorted(coins.items())[:60])
    parts = [
        fence("goal", goal, briefing.GOAL_CHARACTERS),
        f"Read as: {json.dumps(read, ensure_ascii=False, separators=(',', ':'), default=str)[:2_500]}",
        fence("coins_held", listed, 2_000),
    ]
    if earlier:
        parts.append(fence("earlier_runs", "\n".join(earlier), 1_200))
    return "\n".join(parts)


def _read(said: AIMessage, model: str, reading: Mapping[str, Any]) -> Thought | str:
    """A proposal, a question, or one of each; what is wrong with it where it is neither."""
    thought = Thought(model=model)
    for call in said.tool_calls[:2]:
        try:
            match call["name"]:
                case "Proposal":
                    values, why = _offered(Proposal.model_validate(call["args"]), reading)
                    thought = replace(thought, values=values, why=why)
                case "Question":
                    thought = replace(thought, question=_question(Question.model_validate(call["args"])))
                case other:
                    return f"There is no tool {other[:60]!r} here; there are Proposal and Question."
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, found["loc"]))
            return f"The arguments of {call['name']} do not fit: {where}: {found['msg']}"
    return thought


def _offered(offer: Proposal, reading: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The values of a proposal, and its reason without sentences whose figures are neither proposed nor read."""
    values: dict[str, Any] = {}
    for slot in SLOTS:
        value = getattr(offer, slot)
        if isinstance(value, list):
            values[slot] = [clean(str(item), 40) for item in value if item.strip()]
        elif value:
            values[slot] = WORDS.get(value, clean(value, 60))
    values = {slot: value for slot, value in values.items() if value}
    why, _ = guard.without_unfounded(clean(" ".join(offer.why.split()), 300), guard.gather([values, reading]))
    return values, why


def _question(asked: Question) -> dict[str, Any]:
    choices = list(dict.fromkeys(clean(" ".join(choice.split()), 75) for choice in asked.choices))
    recommended = clean(" ".join(asked.recommended.split()), 75)
    return {
        "about": asked.about,
        "question": clean(" ".join(asked.question.split()), 400),
        "choices": choices,
        "recommended": recommended if recommended in choices else choices[0],
    }
