"""What the README and the compose file say is checked against the code, so that neither drifts."""

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic_settings import BaseSettings

from bots.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ROOMS = ("bots", "engine", "jobs", "sandbox", "storage")


def settings_classes() -> list[type[BaseSettings]]:
    """Every settings class of the project, found by importing all of it."""
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{room}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: list[type[BaseSettings]] = []
    waiting: list[type[BaseSettings]] = [BaseSettings]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.split(".")[0] in ROOMS:
                found.append(child)
    return found


def environment_names() -> set[str]:
    return {
        str(field.validation_alias or name).upper()
        for settings in settings_classes()
        for name, field in settings.model_fields.items()
    }


def commands(group: click.Command, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    if not isinstance(group, click.Group):
        return {path}
    context = click.Context(group)
    found = {path}
    for name in group.list_commands(context):
        child = group.get_command(context, name)
        assert child is not None, f"omc {name} is listed but cannot be loaded"
        found |= commands(child, (*path, name))
    return found


def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    table = README.split("## Configuration")[1].split("\n## ")[0]
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", table))
    assert documented == environment_names()


def test_every_command_in_the_readme_exists() -> None:
    known = commands(main)
    named = re.findall(r"(?:uv run|docker compose run[^\n]*? worker) (?:omc )?((?:[a-z]+ ?)+)", README)
    used = [tuple(words.split()) for words in named if words.split()[0] not in {"pytest", "omc", "python"}]
    assert used
    for words in used:
        assert any(words[: len(command)] == command for command in known if command), f"omc {' '.join(words)}"


def test_every_command_says_what_it_does() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.help, name


def test_versions_are_pinned_without_a_lock_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pinned = {
        re.split(r"[=<>;\s]", line)[0].lower() for line in project["tool"]["uv"]["constraint-dependencies"]
    }
    direct = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    for extra in project["project"].get("optional-dependencies", {}).values():
        direct += extra
    for requirement in direct:
        name = re.split(r"[\[=<>;\s]", requirement)[0].lower()
        if "darwin" not in requirement or "!=" in requirement:
            assert name in pinned, f"{name} has no pinned version"
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()
