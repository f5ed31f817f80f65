"""Servers that play a model, with a scripted mind."""

from collections.abc import Callable, Iterator

import pytest

from tests.model_server import ModelServer, Player


@pytest.fixture
def serve() -> Iterator[Callable[[Player], ModelServer]]:
    """Starts servers that play a model; all are closed at the end."""
    servers: list[ModelServer] = []

    def start(play: Player) -> ModelServer:
        servers.append(ModelServer(play))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
