"""What every test may use: real servers started once, a fresh database, an empty queue, the test data."""

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from storage.embedded import Services, ServiceSettings, connect
from tests.waiting import is_supervised, wait_until

# What a developer's shell may hold and a test must not see: settings of ours, of the drivers', and ways out.
FOREIGN = (
    "OMC_", "DATABASE_URL", "REDIS_", "PG", "ARTIFACT_", "SANDBOX_", "AGENT_", "MAX_TOKENS_PER_REQUEST",
    "MAX_CONCURRENT_SESSIONS", "ENABLE_STREAMING", "LLM_", "OPENAI_", "AZURE_", "ANTHROPIC_", "LANGCHAIN_",
    "LANGSMITH_", "LANGGRAPH_", "SLACK_", "DISCORD_", "JWT_SECRET", "AWS_", "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY", "NO_PROXY",
)  # fmt: skip


def pytest_configure() -> None:
    for name in list(os.environ):
        if name.upper().startswith(FOREIGN) and name != "OMC_TEST_DATA":
            del os.environ[name]
    refuse_calls_outside()


def refuse_calls_outside() -> None:
    """No test calls a server outside, a language model's least of all: neither from here nor from a child."""

    def look(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
                raise ConnectionRefusedError(f"the tests call nobody outside: {address[0]}")

    sys.addaudithook(look)
    # Children know nothing of the hook; whatever they send over TLS goes to a port where nobody listens.
    os.environ["HTTPS_PROXY"] = "http://127.0.0.1:9"
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real prices, goals and attacks that is not part of the project."""
    folder = os.environ.get("OMC_TEST_DATA")
    if not folder:
        pytest.skip("OMC_TEST_DATA does not name the folder with the test data")
    if not Path(folder).is_dir():
        pytest.skip(f"OMC_TEST_DATA names {folder}, which is no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def quick_folder() -> Path:
    """Where homes of servers may be made: open to the account that root runs them under, short, and in memory.

    Waiting for the disk is most of a start's time; where /dev/shm is small or runs no programs it is /tmp.
    """
    memory = Path("/dev/shm")
    if memory.is_dir():
        system = os.statvfs(memory)
        if system.f_bavail * system.f_frsize > 2_000_000_000 and not system.f_flag & os.ST_NOEXEC:
            return memory
    return Path("/tmp")


@pytest.fixture(scope="session")
def services(quick_folder: Path) -> Iterator[Services]:
    """A Postgres and a Valkey for the whole run, in a home of their own that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="omc-tests-", dir=quick_folder))
    services = connect(ServiceSettings(), home, grace_seconds=0)
    yield services
    services.close()
    wait_until(lambda: not is_supervised(home), "the built-in servers have stopped")
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def administrator(services: Services) -> Iterator[psycopg.Connection]:
    """A connection that may make and drop databases."""
    with psycopg.connect(_dsn(services.database_url), autocommit=True) as connection:
        # A test's rows need not survive a power cut, and a database is made for each test.
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
        yield connection


@pytest.fixture(scope="session")
def template(services: Services, administrator: psycopg.Connection) -> str:
    """The name of a database with all tables and no rows, never used itself."""
    from storage.database import upgrade

    administrator.execute("create database template_omc")
    upgrade(_in_database(services.database_url, "template_omc"))
    administrator.execute("alter database template_omc with allow_connections false")
    return "template_omc"


@pytest.fixture(scope="session")
def make_database(services: Services, administrator: psycopg.Connection, template: str) -> Callable[[], str]:
    """Makes a fresh, up-to-date database at each call and returns its address."""
    names = (f"test_{number}" for number in itertools.count(1))

    def make() -> str:
        name = next(names)
        administrator.execute(f"create database {name} template {template}")
        return _in_database(services.database_url, name)

    return make


@pytest.fixture
def database_url(make_database: Callable[[], str], administrator: psycopg.Connection) -> Iterator[str]:
    """The address of a database of the test's own: all tables, no rows."""
    url = make_database()
    yield url
    name = url.partition("?")[0].rpartition("/")[2]
    administrator.execute(f"drop database {name} with (force)")


REDIS_NUMBERS = itertools.cycle(range(1, 16))


@pytest.fixture
def redis_url(services: Services) -> str:
    """The address of a logical Redis database of the test's own, empty."""
    url = services.redis_url.replace("db=0", f"db={next(REDIS_NUMBERS)}")
    with redis.Redis.from_url(url) as server:
        server.flushdb()
    return url


def _dsn(url: str) -> str:
    return url.replace("+psycopg", "", 1)


def _in_database(url: str, name: str) -> str:
    return url.replace("/omc?", f"/{name}?", 1)
