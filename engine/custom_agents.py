"""Agents that people add: one small Markdown file each, checked when a worker starts.

    +++
    after = "data_analysis"
    tools = ["get_data_statistics", "execute_python"]
    +++
    Your stage: weekends. Say whether prices moved differently at weekends ...

The file's name is the agent's name. It works after the stage it names, with tools of the registry and nothing else,
and its conclusion is read by the agents after it. It needs a language model: without one it is left out.
"""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine import policies
from engine.agents import AGENTS, PIPELINE, Stage
from engine.errors import EngineError
from engine.tools import ToolRegistry
from engine.tools.writing import write_feature
from engine.untrusted import clean

LONGEST_PROMPT = 6_000
MOST_AGENTS = 8
_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
_FILE = re.compile(r"\A\s*\+\+\+\n(?P<head>.*?)\n\+\+\+\n(?P<prompt>.*)\Z", re.DOTALL)


class BadAgent(EngineError):
    """A file of an agent that cannot be used; says which and why."""


class AgentSettings(BaseSettings):
    """Where people's own agents are."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    omc_agents: Path | None = Field(None, description="A folder of Markdown files, one an agent of your own.")


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: str
    tools: list[str] = Field(default_factory=list, max_length=12)


def load(folder: Path | None) -> tuple[Stage, ...]:
    """The agents of a folder, in the order of their names. Raises BadAgent."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise BadAgent(f"OMC_AGENTS names {folder}, which is no folder.")
    found = tuple(_read(path) for path in sorted(folder.glob("*.md")))
    if len(found) > MOST_AGENTS:
        raise BadAgent(f"{folder} holds {len(found)} agents; at most {MOST_AGENTS} are used.")
    return found


def _read(path: Path) -> Stage:
    name = path.stem
    taken = {*AGENTS, *(stage.name for stage in PIPELINE), "planning", "awaiting_user"}
    if not _NAME.fullmatch(name) or name in taken:
        raise BadAgent(
            f"{path}: an agent's name has 3 to 40 small letters, digits or _, and is not one of ours."
        )
    try:
        parts = _FILE.match(path.read_text(encoding="utf-8").replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadAgent(f"{path} cannot be read as text.") from error
    if parts is None:
        raise BadAgent(
            f"{path} must begin with settings between two lines of +++, and go on with the prompt."
        )
    try:
        head = _Head.model_validate(tomllib.loads(parts["head"]))
    except tomllib.TOMLDecodeError as error:
        raise BadAgent(f"{path}: its settings are no TOML: {error}.") from error
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise BadAgent(f"{path}: {'.'.join(map(str, found['loc']))}: {found['msg']}.") from error
    prompt = clean(parts["prompt"].strip(), LONGEST_PROMPT + 100)
    if not 20 <= len(prompt) <= LONGEST_PROMPT:
        raise BadAgent(
            f"{path}: a prompt has 20 to {LONGEST_PROMPT:,} characters; this one has {len(prompt):,}."
        )
    places = [stage.name for stage in PIPELINE if stage.name != "reporting"]
    if head.after not in places:
        raise BadAgent(f"{path}: after must be one of {', '.join(places)}.")
    # What is written as a feature belongs to the stage that makes features.
    known = ToolRegistry().names() - {write_feature.name}
    unknown = [tool for tool in head.tools if tool not in known]
    if unknown:
        raise BadAgent(f"{path}: there is no tool {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    anchor = next(stage for stage in PIPELINE if stage.name == head.after)
    return Stage(
        name, name, policies.leave_out, optional=anchor.optional, forecasts=anchor.forecasts,
        after=head.after, tools=tuple(dict.fromkeys(head.tools)), own_prompt=prompt,
    )  # fmt: skip
