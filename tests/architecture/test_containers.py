"""The compose file and the image: every command, name and room in them is one of the project's."""

import os
import re
import shutil
import subprocess
import tomllib
from typing import Any

import pytest

from bots.cli import main
from tests.architecture.test_docs import ROOT, commands, compose, environment_names

SERVICES: dict[str, Any] = compose()["services"]
# A service that holds what a model wrote gets no database.
ALONE = {"sandbox"}
OURS = [name for name, service in SERVICES.items() if service.get("image") == "ohmycoins-lab"]
IMAGE = (ROOT / "Dockerfile").read_text()


def test_the_services_of_an_installation_are_there() -> None:
    assert {"migrate", "worker", "sweeper"} <= set(OURS)
    assert {"postgres", "redis"} <= set(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    words = tuple(word for word in SERVICES[name]["command"] if not word.startswith("-"))
    assert any(words[: len(command)] == command for command in commands(main) if command), words


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_only_settings_that_exist(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= environment_names()


@pytest.mark.parametrize("name", OURS)
def test_a_service_waits_for_the_tables_it_needs(name: str) -> None:
    needs = {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}
    if name in ALONE:
        assert "DATABASE_URL" not in SERVICES[name]["environment"]
    elif name == "migrate":
        assert needs == {"postgres": "service_healthy"}
    else:
        assert needs["migrate"] == "service_completed_successfully"
        assert needs["redis"] == "service_healthy"


def test_keys_of_models_go_to_workers_and_tokens_of_chats_do_not() -> None:
    for name in OURS:
        given = set(SERVICES[name]["environment"])
        keys = {known for known in given if known.endswith("_API_KEY")}
        tokens = {known for known in given if known.startswith(("SLACK_", "DISCORD_"))}
        assert not keys or name == "worker", f"{name} holds {keys}"
        assert not tokens or name != "worker", f"{name} holds {tokens}"


def test_a_worker_hands_its_run_over_before_its_container_is_killed() -> None:
    worker = SERVICES["worker"]
    grace = int(worker["stop_grace_period"].removesuffix("s"))
    assert worker["environment"]["OMC_DRAIN_SECONDS"] + 5 <= grace


def test_the_image_holds_every_room_and_starts_omc() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for room in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"COPY {room} {room}\n" in IMAGE
    assert 'ENTRYPOINT ["omc"]' in IMAGE
    [default] = re.findall(r'^CMD \["([a-z]+)"\]$', IMAGE, re.MULTILINE)
    assert (default,) in commands(main)
    wanted = re.search(r'"\.\[([a-z,]+)\]"', IMAGE)
    assert wanted is not None
    assert set(wanted.group(1).split(",")) == set(project["project"]["optional-dependencies"])
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert {".git", ".venv", "tests"} <= ignored


def test_compose_understands_its_file() -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("there is no docker client here")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the docker client here has no compose")
    for password, status in (("one", 0), ("", 1)):
        done = subprocess.run(
            [docker, "compose", "config", "--quiet"],
            cwd=ROOT,
            env={**os.environ, "POSTGRES_PASSWORD": password},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode != 0) == (status != 0), done.stderr
