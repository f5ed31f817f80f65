"""One agent at work: its brief, its mind, its tools' errors, its answer. The only middleware the agents have.

A language model thinks if there is one; the offline planner does whatever the plan still needs, and takes over in
mid-stage when the model fails twice, may not be paid any more, or cannot be reached.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import (
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
)
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.graph.message import add_messages
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from langgraph.types import Command

from engine import audit, briefing
from engine.agents import Stage, stages
from engine.errors import EngineError
from engine.llm.offline import (
    NO_ANSWER,
    SAID,
    Brief,
    Call,
    CallFailed,
    OfflinePlanner,
    next_call,
    tried_in,
    written_in,
)
from engine.mind import Asks, GaveUp, Mind, Steps, Words
from engine.remarks import take_up
from engine.science.errors import ScienceError, Unanswerable
from engine.state import merge
from engine.tools.writing import write_feature
from engine.work import Work
from storage.errors import StorageError

ANSWERS = ("Finding", "Question")
# Steps of the plan that carry a model's words, and the argument they go into.
WORDED = {"generate_summary": "explanation"}
# The stage in which an agent may write features of its own.
WRITING = "feature_engineering"
# Parallel tool calls are threads of one process: fits side by side would only take each other's cores.
_one_at_a_time = threading.Lock()


class StageState(AgentState[Any]):
    """What one agent sees: the shared plan and findings, and a conversation and counts of its own."""

    # The reducer stands last: anywhere else in Annotated it is dropped without a word.
    messages: Annotated[list[AnyMessage], PrivateStateAttr, add_messages]
    structured_response: NotRequired[Annotated[Any, PrivateStateAttr]]
    understudy: NotRequired[Annotated[str, PrivateStateAttr]]
    following: NotRequired[Annotated[bool, PrivateStateAttr]]
    tries: NotRequired[Annotated[dict[str, float], PrivateStateAttr]]
    words: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]
    goal: NotRequired[str]
    spec: NotRequired[dict[str, Any]]
    findings: NotRequired[Annotated[dict[str, Any], merge]]
    answers: NotRequired[Annotated[dict[str, Any], merge]]
    clarification: NotRequired[dict[str, Any] | None]
    current_step: NotRequired[str]
    thinking: NotRequired[Annotated[dict[str, str], merge]]


@dataclass
class Turn:
    """What one turn of an agent leaves behind."""

    response: ModelResponse[Any] | None = None
    words: Words | None = None
    update: dict[str, Any] = field(default_factory=dict)


class Desk(AgentMiddleware[Any, Work, Any]):
    """Where a stage's agent sits: it is briefed, watched and relieved of its answer here."""

    state_schema = StageState

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    @property
    def name(self) -> str:
        return f"Desk[{self.stage.name}]"

    def before_agent(self, state: Any, runtime: Runtime[Work]) -> dict[str, Any]:
        """Open the stage, or hand the person's answer to a stage that asked."""
        work = runtime.context
        work.enter(self.stage.name)
        taken = take_up(work, self.stage.name, state["spec"])
        if taken.spec is not None:
            state = {**state, "spec": taken.spec}
        flow = stages(state["spec"], work.customs)
        payload = {"stage": self.stage.name, "step": flow.index(self.stage) + 1, "steps": len(flow)}
        work.tell(f"stage:{self.stage.name}:started", "stage_started", payload)
        answers = (state.get("answers") or {}).get(self.stage.name)
        if answers:
            said = briefing.answer(answers[-1]["text"])
        else:
            said = briefing.brief(self.stage.name, state, self._planned(state, []))
        said = briefing.with_remarks(said, taken.words)
        return {"messages": [HumanMessage(said)], "current_step": self.stage.name, "spec": state["spec"]}

    def wrap_model_call(
        self, request: ModelRequest[Work], handler: Callable[[ModelRequest[Work]], ModelResponse[Any]]
    ) -> ExtendedModelResponse[Any]:
        """Take the next step, and pass on a finding or a question when there is one."""
        work = request.runtime.context
        work.check()
        turn = self._think(request)
        response = turn.response
        if response is None:
            brief = _brief(self.stage, request.state, request.messages)
            planner = OfflinePlanner(policy=self.stage.policy, brief=brief)
            response = handler(request.override(model=planner))
        update, said = turn.update, response.structured_response
        if said and "question" in said:
            update |= {"clarification": {"stage": self.stage.name, **said}}
        elif said:
            said = self._signed(dict(said), turn.words, {**request.state, **update}, work)
            update |= {"findings": {self.stage.name: said}, "clarification": None}
            worded = turn.words is not None and bool(turn.words.summary)
            told = said["summary"] if worded else self._told(request, said["summary"])
            summary = {"stage": self.stage.name, "summary": told}
            work.tell(f"stage:{self.stage.name}:done", "stage_done", summary)
        return ExtendedModelResponse(
            ModelResponse(response.result, said), Command(update=update) if update else None
        )

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]
    ) -> ToolMessage | Command[Any]:
        """Run a tool; what it cannot do goes back to the agent in words, anything else is a bug."""
        work: Any = request.runtime.context
        name, args = request.tool_call["name"], request.tool_call["args"]
        with _one_at_a_time:
            work.check()
            started = time.monotonic()
            try:
                result = handler(request)
            except (EngineError, ScienceError, StorageError) as error:
                result = ToolMessage(
                    content=str(error), tool_call_id=request.tool_call["id"], name=name, status="error",
                    additional_kwargs={
                        NO_ANSWER: error.code if isinstance(error, Unanswerable) else "",
                        SAID: error.said.as_json() if isinstance(error, ScienceError) else None,
                    },
                )  # fmt: skip
            seconds = round(time.monotonic() - started, 3)
        if isinstance(result, ToolMessage):
            audit.tool(
                work, self.stage.name, name, args, str(result.content), status=result.status, seconds=seconds
            )
        return result  # type: ignore[no-any-return]

    def _think(self, request: ModelRequest[Work]) -> Turn:
        """What the model makes of the next step; an empty turn where the planner has it."""
        work = request.runtime.context
        state: Any = request.state
        thinking = state.get("thinking") or {}
        if not work.models.are_there or thinking.get("offline") or state.get("understudy"):
            return Turn()
        planned = self._planned(state, request.messages)
        open_step = planned is not None and planned.tool not in ANSWERS
        worded = planned is not None and planned.tool in WORDED
        if open_step and state.get("following") and not worded:
            return Turn()
        if not open_step and state.get("words"):
            return Turn(words=Words(**state["words"]))
        mind = Mind(work, self.stage, state, request.messages, self._offered(work, request.tools))
        outcome = mind.think(has_plan=open_step and not worded)
        turn = Turn(update={"tries": mind.tries, "following": False})
        if mind.learned:
            turn.update["thinking"] = mind.learned
        match outcome:
            case Steps(calls=calls, follow=follow):
                turn.update["following"] = follow
                if calls:
                    turn.response = ModelResponse([AIMessage("", tool_calls=calls)])
            case Words() if planned is not None and worded:
                # The step carries the words: they are asked for once.
                args = {**planned.args, WORDED[planned.tool]: outcome.summary}
                call = {"name": planned.tool, "args": args, "id": mind.call_id(planned.tool)}
                turn.response = ModelResponse([AIMessage("", tool_calls=[call])])
                turn.update["words"] = asdict(outcome)
            case Words() if open_step:
                # What the plan promises is done first, whoever thinks; then the words are asked for again.
                turn.update["following"] = True
            case Words():
                turn.words = outcome
            case Asks(question=question):
                turn.response = _asking(question, mind.call_id("Question"))
            case GaveUp(why=why):
                turn.update["understudy"] = why
        return turn

    def _offered(self, work: Work, tools: list[Any]) -> list[Any]:
        """The tools that can do something here: a feature is written where features are made and code can be held."""
        can_write = work.sandbox is not None and self.stage.name == WRITING
        return [one for one in tools if can_write or getattr(one, "name", "") != write_feature.name]

    def _planned(self, state: Any, messages: list[AnyMessage]) -> Call | None:
        """The policy's next step in this conversation; None where one of its steps has failed."""
        try:
            return next_call(self.stage.policy, _brief(self.stage, state, messages), messages)[0]
        except CallFailed:
            return None

    def _told(self, request: ModelRequest[Work], summary: str) -> str:
        """The plan's finding as the thread reads it: the policy words it again, in the thread's language."""
        with request.runtime.context.speaking():
            planned = self._planned(request.state, request.messages)
        return str(planned.args["summary"]) if planned is not None and planned.tool == "Finding" else summary

    def _signed(
        self, finding: dict[str, Any], words: Words | None, state: Mapping[str, Any], work: Work
    ) -> dict[str, Any]:
        """The plan's finding, in the model's words if it had any, with who worded it and why."""
        if words is not None:
            return {
                **finding,
                "summary": words.summary or finding["summary"],
                "by": words.model,
                "note": words.note,
            }
        why = state.get("understudy") or (state.get("thinking") or {}).get("offline") or ""
        return {**finding, "by": "offline planner", "note": why}


def _brief(stage: Stage, state: Any, messages: list[AnyMessage]) -> Brief:
    return Brief(
        goal=state["goal"],
        spec=state["spec"],
        findings=state.get("findings") or {},
        answers=(state.get("answers") or {}).get(stage.name, []),
        tried=tried_in(messages),
        written=written_in(messages),
    )


def _asking(question: dict[str, Any], call_id: str) -> ModelResponse[Any]:
    """A question as the graph takes it from any mind."""
    asked = AIMessage("", tool_calls=[{"name": "Question", "args": question, "id": call_id}])
    return ModelResponse([asked, ToolMessage("asked", tool_call_id=call_id, name="Question")], question)
