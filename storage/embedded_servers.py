"""The two built-in servers: how each is prepared, run and asked whether it is ready.

Only the standard library is imported: the supervisor, which must start fast, uses it.
"""

import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.embedded_binaries import Binaries
from storage.embedded_home import Account, Layout, give
from storage.embedded_processes import end_leftovers, failure, open_log, spawn


class Server(Protocol):
    """What the supervisor needs to know of a server."""

    title: str
    stop_signal: signal.Signals

    @property
    def log(self) -> Path: ...

    @property
    def folder(self) -> Path:
        """What the server works in; nobody else does."""

    def prepare(self) -> None:
        """Make ready to be started: data, and nothing left of an earlier life. Raises ServiceError."""

    def command(self) -> list[str]: ...

    def is_ready(self, pid: int) -> bool:
        """Whether the process `pid` answers."""


@dataclass(frozen=True)
class Postgres:
    """Postgres, on a socket only, small, with its database and role both called omc."""

    layout: Layout
    binaries: Binaries
    account: Account | None
    title = "Postgres"
    stop_signal = signal.SIGINT  # "fast": ends connections, then writes everything down

    @property
    def log(self) -> Path:
        return self.layout.logs / "postgres.log"

    @property
    def folder(self) -> Path:
        return self.layout.data

    def prepare(self) -> None:
        end_leftovers("postgres", self.folder, mark=f"-D {self.folder}")
        if self.folder.exists():
            (self.folder / "postmaster.pid").unlink(missing_ok=True)
        else:
            self._create()
        for left in (self.layout.postgres_socket, Path(f"{self.layout.postgres_socket}.lock")):
            left.unlink(missing_ok=True)

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self.layout.sockets).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            # A worker needs three connections and each of its runs two, a bot four: room for a laptop's worth.
            "max_connections": "100",
            "shared_buffers": "32MB",
            # Files, not /dev/shm: containers give that 64 MB, and a log-out may empty it under a running server.
            "dynamic_shared_memory_type": "mmap",
            "io_method": "sync",  # else three more processes
            "max_parallel_workers": "0",
            "max_logical_replication_workers": "0",
            "autovacuum_max_workers": "1",
            "jit": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_wal_size": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries.postgres / "bin" / "postgres"), "-D", str(self.folder), *options]

    def is_ready(self, pid: int) -> bool:
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # The eighth line is the server's own word: starting, ready or stopping.
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _create(self) -> None:
        """Make the data folder beside its place and rename it: it is there with its database or not at all."""
        home = self.layout.home
        for abandoned in home.glob("postgres.new-*"):
            shutil.rmtree(abandoned)
        staging = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=home))
        try:
            maker, disguise = _initdb_identity(self.account)
            if maker is not None:
                os.chown(staging, maker.uid, maker.gid)
            programs = self.binaries.postgres / "bin"
            run = functools.partial(self._run, maker=maker, disguise=disguise, folder=staging)
            run([str(programs / "initdb"), "-D", str(staging), "-U", "omc", "-E", "UTF8", "--auth=trust",
                 "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"])  # fmt: skip
            run(
                [str(programs / "postgres"), "--single", "-D", str(staging), "postgres"],
                say=b"create database omc\n",
            )
            if self.account is not None:
                give(staging, self.account)
            staging.rename(self.folder)
            sync_folder(home)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise

    def _run(
        self, command: list[str], *, maker: Account | None, disguise: bool, folder: Path, say: bytes = b""
    ) -> None:
        with open_log(self.log) as log:
            start = log.tell()
            process = spawn(command, log=log, folder=folder, account=maker, death_signal=signal.SIGKILL,
                            disguise=disguise, stdin=subprocess.PIPE)  # fmt: skip
            process.communicate(say)
        if process.returncode != 0:
            raise failure("Postgres could not be set up", self.log, start)


@dataclass(frozen=True)
class Valkey:
    """Valkey, on a socket only, keeping nothing on disk: what must survive is in the database."""

    layout: Layout
    binaries: Binaries
    account: Account | None
    title = "Valkey"
    stop_signal = signal.SIGTERM

    @property
    def log(self) -> Path:
        return self.layout.logs / "valkey.log"

    @property
    def folder(self) -> Path:
        return self.layout.sockets

    def prepare(self) -> None:
        end_leftovers("valkey-server", self.folder, mark=str(self.layout.valkey_socket))
        self.layout.valkey_socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        return [str(self.binaries.valkey), "--port", "0", "--unixsocket", str(self.layout.valkey_socket),
                "--unixsocketperm", "600", "--save", "", "--appendonly", "no", "--dir", str(self.folder),
                "--maxmemory-policy", "noeviction"]  # fmt: skip

    def is_ready(self, pid: int) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.layout.valkey_socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _initdb_identity(account: Account | None) -> tuple[Account | None, bool]:
    """Who initdb runs as, and whether it must be disguised: it refuses root and numbers without a name."""
    try:
        if account is not None:
            nobody = pwd.getpwnam("nobody")
            return Account(nobody.pw_uid, nobody.pw_gid), False
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return None, True
    return None, False
