"""The Postgres and the Redis-protocol server this process uses: those it is told of, or built-in ones.

Without DATABASE_URL a Postgres, without REDIS_URL (or REDIS_HOST) a Valkey is started from the installed
wheels, and shared with every other process of the same OMC_HOME. `connect` joins them and keeps a connection
to their supervisor (`storage.supervisor`), which stops them some time after the last such connection ended.
Forked children hold it too; a program started by exec must call `connect` itself.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.addresses import build_redis, check_postgres, check_redis, read_postgres, read_redis
from storage.embedded_binaries import find_binaries
from storage.embedded_home import OWN_SERVERS, Layout
from storage.errors import ServiceError
from storage.supervisor import ANOTHER_ONE_RUNS, Orders

PROGRAM = "import sys; sys.path.append(sys.argv[1]); from storage.supervisor import main; main()"
# A supervisor that lets users in and ends without a word is broken, not just stopping.
MOST_STARTS = 5


def _default_home() -> Path:
    return Path("/var/lib/omc") if os.geteuid() == 0 else user_data_path("omc", appauthor=False)


class HomeSettings(BaseSettings):
    """Where this machine's own data lies: the built-in servers' and, by default, the artifacts."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    omc_home: Path = Field(
        default_factory=_default_home,
        validate_default=True,
        description="A folder; default: omc in the user's data folder, /var/lib/omc for root.",
    )

    @field_validator("omc_home")
    @classmethod
    def _make_absolute(cls, path: Path) -> Path:
        try:
            return path.expanduser().resolve()
        except RuntimeError as error:
            raise ValueError("this user has no home folder; name a folder in full") from error


class ServiceSettings(BaseSettings):
    """The servers to use. What is not given is built in."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    database_url: SecretStr | None = Field(
        None, description="Postgres: postgresql://USER:PASSWORD@HOST/NAME."
    )
    redis_url: SecretStr | None = Field(None, description="Redis or Valkey: redis://:PASSWORD@HOST:6379/0.")
    redis_host: str | None = Field(None, description="Instead of REDIS_URL; with the three below.")
    redis_port: int = Field(6379, gt=0, lt=65536, description="Used with REDIS_HOST.")
    redis_db: int = Field(0, ge=0, description="The logical database; used with REDIS_HOST.")
    redis_password: SecretStr | None = Field(None, description="Used with REDIS_HOST.")

    @field_validator("redis_port", mode="before")
    @classmethod
    def _read_injected_port(cls, value: object) -> object:
        # Kubernetes sets REDIS_PORT=tcp://10.0.0.7:6379 in each pod beside a service called redis.
        return value.rpartition(":")[2] if isinstance(value, str) and value.startswith("tcp://") else value


class Services:
    """Both servers, up and reachable for as long as this is open. Made by `connect`; also a context manager."""

    def __init__(
        self, database_url: str | None, redis_url: str | None, home: Path, membership: "Membership"
    ) -> None:
        self.home = home
        self._given = (database_url, redis_url)
        self._membership = membership
        self._urls = self._find_urls()

    @property
    def database_url(self) -> str:
        """Postgres, in SQLAlchemy's form (postgresql+psycopg://...)."""
        return self._urls[0]

    @property
    def redis_url(self) -> str:
        """Redis or Valkey, as redis:// or unix://."""
        return self._urls[1]

    @property
    def embedded(self) -> bool:
        """Whether at least one of the two is built in."""
        return bool(self._membership.needs)

    def ensure(self) -> bool:
        """Bring the built-in servers back if they are gone; True if they were. Costs microseconds if not.

        The addresses stay the same, so engines and pools that replace dead connections go on. May be called
        from any thread and in forked children. Raises ServiceError.
        """
        if not self._membership.needs or self._membership.holds():
            return False
        self._membership.join()
        if self._find_urls() != self._urls:
            raise ServiceError("The sockets of the built-in servers have moved: start this process again.")
        return True

    def close(self) -> None:
        """This process needs the built-in servers no longer."""
        self._membership.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:  # without the addresses, which hold passwords
        return f"Services(home={str(self.home)!r}, embedded={self.embedded})"

    def _find_urls(self) -> tuple[str, str]:
        layout = Layout(self.home)
        database_url, redis_url = self._given
        return (
            database_url or f"postgresql+psycopg://omc@/omc?host={quote(str(layout.sockets))}&port=5432",
            redis_url or f"unix://{quote(str(layout.valkey_socket))}?db=0",
        )


class Membership:
    """This process's connection to the supervisor of `home`, for the servers called `needs`."""

    def __init__(self, home: Path, needs: list[str], grace_seconds: float, timeout_seconds: float) -> None:
        self.home = home
        self.needs = needs
        self.grace_seconds = grace_seconds
        self.timeout_seconds = timeout_seconds
        self._connection: socket.socket | None = None

    def holds(self) -> bool:
        """Whether the supervisor still is at the other end."""
        if self._connection is None:
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def join(self) -> None:
        """Connect to a supervisor, starting one if there is none, and wait until the servers are up."""
        deadline = time.monotonic() + self.timeout_seconds
        pause, starts = 0.01, 0
        while True:
            connection = self._ask(deadline)
            if connection is not None:
                old, self._connection = self._connection, connection
                if old is not None:
                    old.close()
                return
            if starts == MOST_STARTS or time.monotonic() > deadline:
                raise ServiceError(
                    f"The built-in servers in {self.home} do not come up. "
                    f"Look into {Layout(self.home).logs / 'supervisor.log'}, {OWN_SERVERS}."
                )
            if self._start_supervisor():
                starts += 1
            else:  # one is opening its door, or stopping
                time.sleep(pause)
                pause = min(2 * pause, 0.25)

    def leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, deadline: float) -> socket.socket | None:
        """A connection behind which the servers are up, or None when nobody is there to let us in."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            connection.connect(str(Layout(self.home).door))
            connection.sendall(" ".join(self.needs).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                part = connection.recv(65536)
                if not part:
                    raise ConnectionResetError
                answer += part
        except TimeoutError as error:
            connection.close()
            raise ServiceError(
                f"The built-in servers did not come up in {self.timeout_seconds:.0f} s. "
                f"Look into {Layout(self.home).logs}, {OWN_SERVERS}."
            ) from error
        except (
            OSError
        ):  # no such file, refused, cut off; also: the path is too long before the short one is made
            connection.close()
            return None
        said: Mapping[str, str] = json.loads(answer)
        if "error" in said:
            connection.close()
            raise ServiceError(said["error"])
        connection.settimeout(None)
        return connection

    def _start_supervisor(self) -> bool:
        """Start one; False when another was quicker or has not quite ended."""
        orders = Orders(self.home, find_binaries(), self.grace_seconds)
        # Nothing of our environment (it may hold keys) but what a relocated Python needs to run.
        kept = {
            name: os.environ[name] for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ
        }
        folder = str(Path(__file__).resolve().parents[1])
        started = subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROGRAM, folder, orders.to_text()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, **kept},
            start_new_session=True,  # out of reach of the terminal's Ctrl-C and hang-up
            check=False,
        )
        if started.returncode < 0:  # killed: nothing that a second attempt could not mend
            return True
        if started.returncode not in (0, ANOTHER_ONE_RUNS):
            lines = started.stderr.strip().splitlines() or [
                "The built-in servers' supervisor cannot be started."
            ]
            raise ServiceError(lines[-1])
        return started.returncode == 0


def connect(
    settings: ServiceSettings | None = None,
    home: Path | None = None,
    *,
    grace_seconds: float = 30.0,
    timeout_seconds: float = 120.0,
) -> Services:
    """The servers of `settings`, checked; what is missing there, built in under `home`, up and running.

    Without arguments both come from the environment. Built-in servers stop `grace_seconds` after their last
    user; of several users the one that starts them decides. Raises ServiceError, in words, when a server cannot
    be reached or started.
    """
    try:
        settings = settings or ServiceSettings()
        home = HomeSettings().omc_home if home is None else HomeSettings(omc_home=home).omc_home
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")
        raise ServiceError(f"{str(first['loc'][0]).upper()} cannot be used: {what}.") from error
    database_url = read_postgres(settings.database_url.get_secret_value()) if settings.database_url else None
    redis_url = _redis_url(settings)
    given = {"postgres": database_url, "valkey": redis_url}
    membership = Membership(
        home, [name for name, url in given.items() if url is None], grace_seconds, timeout_seconds
    )
    if database_url is not None:
        check_postgres(database_url)
    if redis_url is not None:
        check_redis(redis_url)
    if membership.needs:
        membership.join()
    return Services(database_url, redis_url, home, membership)


def _redis_url(settings: ServiceSettings) -> str | None:
    if settings.redis_url:
        return read_redis(settings.redis_url.get_secret_value())
    password = settings.redis_password.get_secret_value() if settings.redis_password else None
    if settings.redis_host:
        return build_redis(settings.redis_host, settings.redis_port, settings.redis_db, password)
    if password:
        raise ServiceError("REDIS_PASSWORD is set, but no server for it: set REDIS_HOST too, or unset it.")
    return None
