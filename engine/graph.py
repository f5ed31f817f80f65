"""The LangGraph machine: planning, the stages of PIPELINE, and one node that waits for people.

    planning -> data_retrieval -> data_analysis -> feature_engineering -> model_training
             -> model_evaluation -> [hyperparameter_tuning] -> reporting
    any of them -> awaiting_user -> back to whoever asked

`run` starts a session's graph or goes on from its checkpoint, and says in one value how that ended.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphDrained
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt, interrupt

from engine import planning, unanswered
from engine.agents import Stage, pipeline, stages
from engine.checkpoints import open_saver
from engine.errors import Cancelled, EngineError, OverBudget, Refused, StageFailed
from engine.llm.offline import CallFailed, OfflinePlanner
from engine.mind import follow_plan
from engine.outcome import (
    AwaitingUser,
    Completed,
    Drained,
    Failed,
    Outcome,
)
from engine.outcome import Cancelled as RunCancelled
from engine.outcome import OverBudget as RunOverBudget
from engine.runner import Desk
from engine.science.errors import ScienceError
from engine.speech import Said, said
from engine.state import AgentState, Finding, Question
from engine.tools import ToolRegistry
from engine.work import Work
from storage.errors import StorageError
from storage.models import Clarification

Graph = CompiledStateGraph[AgentState, Work, AgentState, AgentState]


def create_agent_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None, customs: tuple[Stage, ...] = ()
) -> Graph:
    """The compiled workflow. Without a checkpointer it cannot be interrupted and resumed."""
    return _workflow(customs).compile(checkpointer=checkpointer)


def run(work: Work) -> Outcome:
    """Start the session's graph, or go on from its last checkpoint. Raises LeaseLost only."""
    config: Any = {"configurable": {"thread_id": str(work.lease.session_id)}, "recursion_limit": 200}
    with open_saver(work.database.dsn, work.lease) as saver:
        graph = create_agent_graph(saver, work.customs)
        try:
            go = _next_input(graph, work, config)
            if isinstance(go, AwaitingUser):
                return go
            state = graph.invoke(go, config, context=work, durability="sync", control=work.control.runtime)
            waiting = _open_interrupts(graph, config)
        except (Cancelled, OverBudget, GraphDrained) as stop:
            return _stopped(stop)
        except Refused as error:
            return Failed(str(error), refused=True, no_data=error.no_data)
        except CallFailed as error:
            state = graph.get_state(config).values
            told = unanswered.complete(work, state, error.said, error.no_answer) if error.no_answer else None
            return told or _failed(work, error.said)
        except (EngineError, ScienceError, StorageError) as error:
            return _failed(work, error)
    if waiting:
        return _question(waiting[0])
    if "reporting" not in state["findings"]:
        missing = said(
            "This run was begun with an agent that this worker does not have. "
            "Give every worker the same folder in OMC_AGENTS, and start the run again."
        )
        return _failed(work, missing)
    return Completed(**state["findings"]["reporting"]["facts"])


@cache
def _workflow(customs: tuple[Stage, ...]) -> StateGraph[AgentState, Work, AgentState, AgentState]:
    graph: StateGraph[AgentState, Work, AgentState, AgentState] = StateGraph(AgentState, context_schema=Work)
    flow = pipeline(customs)
    graph.add_node("planning", planning.plan)
    for stage in flow:
        graph.add_node(stage.name, _agent(stage))
    graph.add_node("awaiting_user", awaiting_user, destinations=("planning", *_names(flow)))
    graph.add_edge(START, "planning")
    for name in ("planning", *_names(flow)):
        graph.add_conditional_edges(name, _route_after(name, customs))
    return graph


def awaiting_user(state: AgentState) -> Command[str]:
    """Wait for the answer. It runs again from its top on resume, so it does nothing else."""
    asked = state["clarification"]
    assert asked is not None, "only a stage that asked leads here"
    text = interrupt(asked)
    stage = asked["stage"]
    before = (state.get("answers") or {}).get(stage, [])
    answer = {"about": asked.get("about", ""), "question": asked["question"], "text": text}
    return Command(goto=stage, update={"answers": {stage: [*before, answer]}, "clarification": None})


def should_tune_or_report(state: AgentState) -> str:
    """Whether the evaluation saw a point in tuning."""
    facts = (state.get("findings") or {}).get("model_evaluation", {}).get("facts") or {}
    return "hyperparameter_tuning" if facts.get("tune") else "reporting"


def _route_after(stage: str, customs: tuple[Stage, ...]) -> Callable[[AgentState], str]:
    def route(state: AgentState) -> str:
        if state.get("clarification"):
            return "awaiting_user"
        if stage != "planning" and stage not in (state.get("findings") or {}):
            # An agent that ends with plain text or broken arguments leaves no trace but this.
            raise StageFailed(f"The {stage.replace('_', ' ')} stage ended without a result.")
        tune = should_tune_or_report(state) != "reporting"
        flow = [
            one for one in stages(state["spec"], customs) if tune or not one.optional or one.name == stage
        ]
        names = ["planning", *(one.name for one in flow), END]
        return names[names.index(stage) + 1]

    return route


def _agent(stage: Stage) -> Any:
    return create_agent(
        OfflinePlanner(policy=stage.policy, brief=None),
        [*_tools(stage), follow_plan],
        middleware=[Desk(stage)],
        state_schema=Desk.state_schema,
        context_schema=Work,
        response_format=ToolStrategy(Finding | Question),
        checkpointer=True,
        name=stage.name,
    )


def _tools(stage: Stage) -> list[BaseTool]:
    registry = ToolRegistry()
    return (
        registry.get_tools_by_name(stage.tools) if stage.after else registry.get_tools_for_agent(stage.agent)
    )


def _next_input(graph: Graph, work: Work, config: Any) -> Any:
    """What to hand the graph: the goal, an answer, or nothing but "go on"; AwaitingUser when none is there."""
    checkpoint = graph.get_state(config)
    if not checkpoint.values and not checkpoint.next:
        assignment = work.assignment
        return {
            "session_id": str(work.lease.session_id),
            "user_id": assignment.owner_id,
            "goal": assignment.goal,
            "preferences": assignment.preferences,
            "findings": {},
            "answers": {},
        }
    waiting = checkpoint.interrupts
    if not waiting:
        return None
    with work.database.begin() as db:
        asked = db.get(Clarification, (work.lease.session_id, waiting[0].id))
        if asked is None or asked.answer is None:
            return _question(waiting[0])
        # Named by its id: a resume that is delivered twice must not answer the next question.
        return Command(resume={waiting[0].id: asked.answer})


def _open_interrupts(graph: Graph, config: Any) -> tuple[Interrupt, ...]:
    return graph.get_state(config).interrupts


def _question(asked: Interrupt) -> AwaitingUser:
    value = asked.value
    return AwaitingUser(
        interrupt_id=asked.id,
        stage=value["stage"],
        about=value.get("about", ""),
        question=value["question"],
        choices=list(value.get("choices") or []),
        recommended=value.get("recommended", ""),
    )


def _failed(work: Work, why: Exception | Said) -> Failed:
    """A failure in the words of the run's thread."""
    with work.speaking():
        return Failed(str(why))


def _stopped(stop: Exception) -> Outcome:
    match stop:
        case Cancelled():
            return RunCancelled()
        case OverBudget():
            return RunOverBudget(str(stop))
        case _:
            return Drained()


def _names(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    return tuple(stage.name for stage in stages)
