"""One agent at work: its brief, its tools' errors, its answer. The only middleware the agents have."""

import json
import time
from collections.abc import Callable
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import (
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
)
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from langgraph.graph.message import add_messages
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime
from langgraph.types import Command

from engine.agents import Stage, stages
from engine.errors import EngineError
from engine.llm.offline import Brief, OfflinePlanner
from engine.science.errors import ScienceError
from engine.state import merge
from engine.work import Work
from storage.errors import StorageError


class StageState(AgentState[Any]):
    """What one agent sees: the shared plan and findings, and a conversation of its own."""

    # The reducer stands last: anywhere else in Annotated it is dropped without a word.
    messages: Annotated[list[AnyMessage], PrivateStateAttr, add_messages]
    structured_response: NotRequired[Annotated[Any, PrivateStateAttr]]
    goal: NotRequired[str]
    spec: NotRequired[dict[str, Any]]
    findings: NotRequired[Annotated[dict[str, Any], merge]]
    answers: NotRequired[Annotated[dict[str, Any], merge]]
    clarification: NotRequired[dict[str, Any] | None]
    current_step: NotRequired[str]


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
        flow = stages(state["spec"])
        payload = {"stage": self.stage.name, "step": flow.index(self.stage) + 1, "steps": len(flow)}
        work.tell(f"stage:{self.stage.name}:started", "stage_started", payload)
        answers = (state.get("answers") or {}).get(self.stage.name)
        said = answers[-1]["text"] if answers else json.dumps({"goal": state["goal"], "spec": state["spec"]})
        return {"messages": [HumanMessage(said)], "current_step": self.stage.name}

    def wrap_model_call(
        self, request: ModelRequest[Work], handler: Callable[[ModelRequest[Work]], ModelResponse[Any]]
    ) -> ExtendedModelResponse[Any]:
        """Let the planner choose the next step, and pass on a finding or a question when it has one."""
        work = request.runtime.context
        work.check()
        planner = OfflinePlanner(policy=self.stage.policy, brief=_brief(self.stage, request.state))
        response = handler(request.override(model=planner))
        said = response.structured_response
        update: dict[str, Any] = {}
        if said and "question" in said:
            update = {"clarification": {"stage": self.stage.name, **said}}
        elif said:
            update = {"findings": {self.stage.name: said}, "clarification": None}
            summary = {"stage": self.stage.name, "summary": said["summary"]}
            work.tell(f"stage:{self.stage.name}:done", "stage_done", summary)
        return ExtendedModelResponse(response, Command(update=update) if update else None)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Any]
    ) -> ToolMessage | Command[Any]:
        """Run a tool; what it cannot do goes back to the agent in words, anything else is a bug."""
        work: Any = request.runtime.context
        work.check()
        started = time.monotonic()
        try:
            return handler(request)  # type: ignore[no-any-return]
        except (EngineError, ScienceError, StorageError) as error:
            return ToolMessage(
                content=str(error),
                tool_call_id=request.tool_call["id"],
                name=request.tool_call["name"],
                status="error",
                additional_kwargs={"seconds": round(time.monotonic() - started, 3)},
            )


def _brief(stage: Stage, state: Any) -> Brief:
    return Brief(
        goal=state["goal"],
        spec=state["spec"],
        findings=state.get("findings") or {},
        answers=(state.get("answers") or {}).get(stage.name, []),
    )
