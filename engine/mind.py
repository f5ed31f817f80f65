"""How a language model thinks about one step of a stage, and when it is given up.

It may use its tools, leave the plan's steps to the planner, conclude in its own words, or ask. What it can never do
is hand on a figure, a handle or a plan: those come from the tools and the planner.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel, Field, ValidationError

from engine import audit, briefing, guard
from engine.agents import Stage
from engine.guard import Figures
from engine.llm.failures import ModelFailure
from engine.llm.offline import FREE_WORDS, call_key
from engine.prompts import system_prompt
from engine.speech import say
from engine.thinking import ask
from engine.untrusted import clean
from engine.work import Work

MOST_FAILURES = 2
MOST_QUESTIONS = 3
LONGEST_SUMMARY = 1_500


class Conclusion(BaseModel):
    """End your stage."""

    summary: str = Field(min_length=1, max_length=6_000, description="Two to four plain sentences.")


class Question(BaseModel):
    """Ask the person something only they can decide. The run waits for the answer."""

    question: str = Field(min_length=3, max_length=500)
    choices: list[str] = Field(min_length=2, max_length=5, description="What they can choose from.")
    recommended: str = Field(description="One of the choices; taken when nobody answers.")


@tool
def follow_plan() -> str:
    """Do everything the plan still asks of this stage, at once; the results of each step come back."""
    return "Nothing of the plan is left to do in this stage. End with Conclusion."


@dataclass(frozen=True)
class Steps:
    """Tools to use now; with `follow` the planner then goes on."""

    calls: list[dict[str, Any]]
    follow: bool = False


@dataclass(frozen=True)
class Words:
    """The stage's conclusion. `summary` is empty when nothing of it could be kept; `note` says what was left out."""

    summary: str
    model: str
    note: str = ""


@dataclass(frozen=True)
class Asks:
    """A question for the person."""

    question: dict[str, Any]


@dataclass(frozen=True)
class GaveUp:
    """Why the planner takes the stage over."""

    why: str


Thought = Steps | Words | Asks | GaveUp


@dataclass
class Mind:
    """One turn of one agent. `tries` and `learned` are what the stage and the run must remember of it."""

    work: Work
    stage: Stage
    state: Mapping[str, Any]
    messages: Sequence[AnyMessage]
    tools: Sequence[BaseTool | dict[str, Any]]
    tries: dict[str, float] = field(default_factory=dict)
    learned: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tries = {"rounds": 0, "failures": 0, "seconds": 0.0, **(self.state.get("tries") or {})}
        self._known = {t.name for t in self.tools if isinstance(t, BaseTool)}

    def think(self, *, has_plan: bool) -> Thought:
        """Ask until there is something to do with the answer, within the stage's limits."""
        extra: list[HumanMessage] = []
        rewritten = False
        last = "The model was of no use."
        while True:
            over = self._over_limits()
            if over or self.tries["failures"] >= MOST_FAILURES:
                return GaveUp(over or last)
            said = self._ask([*self._prompt(), *extra])
            if isinstance(said, ModelFailure):
                if said.kind != "reply":
                    if self._use_fallback(said):
                        continue
                    self._go_offline(said.message)
                    return GaveUp(said.message)
                problem, quoted = said.message, ""
            else:
                thought = self._read(said, has_plan)
                if isinstance(thought, str):
                    problem, quoted = thought, audit.text_of(said)
                else:
                    missing, text = self._unfounded(thought)
                    if not missing:
                        return thought
                    if rewritten:
                        return self._cut(thought)
                    rewritten = True
                    extra = [briefing.nudge(_REWRITE.format(", ".join(missing[:8])), text)]
                    continue
            self.tries["failures"] += 1
            last = problem
            extra = [briefing.nudge(problem, quoted)]

    def call_id(self, name: str) -> str:
        """An id of our own: some servers give none, or the same one again."""
        return f"{self.stage.name}_{int(self.tries['rounds'])}_{name}"

    @property
    def model(self) -> str:
        """The model that is asked: the agent's own, or the fallback once that one failed."""
        settings = self.work.models.settings
        down = {**(self.state.get("thinking") or {}), **self.learned}.get("primary_down")
        own = settings.model_of(self.stage.agent)
        return settings.llm_fallback_model or own if down else own

    def _over_limits(self) -> str:
        settings = self.work.models.settings
        if self.tries["rounds"] >= settings.llm_calls_per_stage:
            return f"The model came to no end within {settings.llm_calls_per_stage} answers."
        if self._seconds_left() <= 0:
            return "The model took too long over this stage."
        return ""

    def _seconds_left(self) -> float:
        # Half of the stage's time is the planner's, who may have to do all of it after the model gave up.
        return self.work.models.settings.agent_timeout_seconds / 2 - self.tries["seconds"]

    def _ask(self, messages: list[BaseMessage]) -> AIMessage | ModelFailure:
        settings = self.work.models.settings
        self.work.check()
        self.tries["rounds"] += 1
        began = time.monotonic()
        # Twice one answer's time, so that a server that hangs is asked again once.
        seconds = min(2 * settings.llm_timeout_seconds, self._seconds_left())
        offered = [*self.tools, Conclusion, Question]
        try:
            return ask(self.work, self.stage.agent, self.model, messages, offered, seconds=seconds)
        finally:
            self.tries["seconds"] += round(time.monotonic() - began, 3)

    def _prompt(self) -> list[BaseMessage]:
        return [SystemMessage(system_prompt(self.stage.prompt)), *briefing.conversation(self.messages)]

    def _use_fallback(self, failed: ModelFailure) -> bool:
        """Whether there is another model to go on with; from now on, for the whole run."""
        settings = self.work.models.settings
        known = {**(self.state.get("thinking") or {}), **self.learned}
        if failed.kind == "budget" or not settings.llm_fallback_model or known.get("primary_down"):
            return False
        self.learned["primary_down"] = failed.message
        with self.work.speaking():
            text = say(
                "{why} Going on with {model}.", why=say(failed.message), model=settings.llm_fallback_model
            )
        self.work.tell("model:fallback", "note", {"text": text})
        return True

    def _go_offline(self, why: str) -> None:
        self.learned["offline"] = why
        with self.work.speaking():
            text = say("{why} The run goes on with the offline planner.", why=say(why))
        self.work.tell("model:offline", "note", {"text": text})

    def _read(self, said: AIMessage, has_plan: bool) -> Thought | str:
        """What an answer wants, or what is wrong with it."""
        calls = [
            call for call in said.tool_calls if call["name"] not in ("Conclusion", "Question", "Finding")
        ]
        if calls:
            return self._steps(calls, has_plan)
        call = said.tool_calls[0]
        try:
            if call["name"] == "Question":
                return self._question(Question.model_validate(call["args"]))
            conclusion = Conclusion.model_validate(call["args"])
        except ValidationError as error:
            return f"The arguments of {call['name']} do not fit: {_first(error)}"
        return Words(clean(" ".join(conclusion.summary.split()), LONGEST_SUMMARY), self.model)

    def _steps(self, calls: Sequence[Mapping[str, Any]], has_plan: bool) -> Thought | str:
        known = [call for call in calls if call["name"] in self._known]
        if not known:
            return f"There is no tool {calls[0]['name'][:60]!r} here; there are {', '.join(sorted(self._known))}."
        done = _done(self.messages)
        fresh = [call for call in known if call_key(call["name"], call["args"]) not in done]
        follow = has_plan and any(call["name"] == "follow_plan" for call in fresh)
        if not fresh:
            return f"{known[0]['name']} was already called with these arguments; its result is above."
        kept = [
            {"name": call["name"], "args": dict(call["args"]), "id": f"{self.call_id(call['name'])}_{at}"}
            for at, call in enumerate(fresh)
            if not (follow and call["name"] == "follow_plan")
        ]
        return Steps(kept, follow)

    def _question(self, asked: Question) -> Thought | str:
        answered = sum(len(answers) for answers in (self.state.get("answers") or {}).values())
        if answered >= MOST_QUESTIONS:
            return "Enough has been asked in this run: decide yourself."
        choices = list(dict.fromkeys(clean(" ".join(choice.split()), 75) for choice in asked.choices))
        recommended = clean(" ".join(asked.recommended.split()), 75)
        return Asks(
            {
                "question": clean(" ".join(asked.question.split()), 400),
                "choices": choices,
                "recommended": recommended if recommended in choices else choices[0],
                "about": "",
            }
        )

    def _unfounded(self, thought: Thought) -> tuple[list[str], str]:
        """The figures in the thought's words that no result has, and those words."""
        match thought:
            case Words(summary=text):
                pass
            case Steps(calls=calls):
                text = " ".join(str(call["args"].get(name) or "") for call in calls for name in FREE_WORDS)
            case _:
                return [], ""
        return guard.unfounded(text, self.figures), text

    def _cut(self, thought: Thought) -> Thought:
        """The thought without the sentences whose figures no result has."""
        if isinstance(thought, Words):
            text, count = guard.without_unfounded(thought.summary, self.figures)
            return Words(text, thought.model, _LEFT_OUT.format(count, "s" if count > 1 else ""))
        if isinstance(thought, Steps):
            for call in thought.calls:
                for name in FREE_WORDS:
                    if isinstance(call["args"].get(name), str):
                        call["args"][name] = guard.without_unfounded(call["args"][name], self.figures)[0]
        return thought

    @property
    def figures(self) -> Figures:
        """Every figure that this session's tools have returned, those of the plan, and what stages have found."""
        seen = self.work.once(("figures",), _Seen)
        for row_id, content in audit.tool_results(self.work, seen.last_row):
            seen.figures.take(content)
            seen.last_row = row_id
        findings = self.state.get("findings") or {}
        told = [
            json.dumps(self.state["spec"], sort_keys=True),
            *(found["summary"] for found in findings.values()),
        ]
        for text in told:
            if text not in seen.texts:
                seen.texts.add(text)
                seen.figures.take(text)
        return seen.figures


@dataclass
class _Seen:
    """The figures known so far in this process: reading all results again for each answer would cost more each time."""

    figures: Figures = field(default_factory=Figures)
    last_row: int = 0
    texts: set[str] = field(default_factory=set)


_REWRITE = "These figures are in no result of this session: {}. Write it again without them, or with figures as returned."
_LEFT_OUT = "{} sentence{} of the model left out: figures in no result."


def _done(messages: Sequence[AnyMessage]) -> set[str]:
    """The tool calls of a conversation, as keys."""
    return {
        call_key(call["name"], call["args"])
        for message in messages
        if isinstance(message, AIMessage)
        for call in message.tool_calls
    }


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
