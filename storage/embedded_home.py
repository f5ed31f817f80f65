"""Where the built-in servers' files lie under OMC_HOME, and the account they belong to.

Only the standard library is imported: the supervisor, which must start fast, uses it.
"""

import contextlib
import grp
import os
import pwd
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from storage.errors import ServiceError

LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103
OWN_SERVERS = "or set DATABASE_URL and REDIS_URL to servers of your own"


@dataclass(frozen=True)
class Layout:
    """Where everything lies under OMC_HOME."""

    home: Path

    @property
    def lock(self) -> Path:
        """Held by the one supervisor of this home."""
        return self.home / "supervisor.lock"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def data(self) -> Path:
        """Postgres's data; whoever owns it is the account the servers run under."""
        return self.home / "postgres"

    @property
    def run(self) -> Path:
        """The folder of the sockets: in the home or, where that path is unfit, where a link there points."""
        place = self.home / "run"
        return place.readlink() if place.is_symlink() else place

    @property
    def door(self) -> Path:
        """The supervisor's socket; a connection to it is one user."""
        return self.run / "door"

    @property
    def sockets(self) -> Path:
        return self.run / "servers"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / ".s.PGSQL.5432"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def make(self) -> None:
        """Create the home and its folders, closed to others. Raises OSError or ServiceError.

        As root the home and the sockets' folder can be passed through, because the servers run under another
        number; nothing above the home is touched.
        """
        passable = 0o711 if os.geteuid() == 0 else 0o700
        for folder in reversed([self.home, *self.home.parents]):
            if not folder.exists():
                folder.mkdir(passable)
                folder.chmod(passable)
        if os.geteuid() == 0:
            self.home.chmod(stat.S_IMODE(self.home.stat().st_mode) | 0o011)
        self.logs.mkdir(0o700, exist_ok=True)
        self._make_run(passable)
        self.sockets.mkdir(0o700, exist_ok=True)

    def _make_run(self, mode: int) -> None:
        place = self.home / "run"
        if not place.is_symlink() and _fits(place / "servers" / self.postgres_socket.name):
            place.mkdir(mode, exist_ok=True)
            place.chmod(mode)
            return
        # /tmp rather than TMPDIR: every later user of this home must find the same place.
        recorded = place.readlink() if place.is_symlink() else None
        if recorded is not None:
            with contextlib.suppress(FileExistsError):
                recorded.mkdir(mode)
            found = recorded.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                recorded.chmod(mode)
                return
            place.unlink()  # somebody else took the name after a clean-up of /tmp
        try:
            short = Path(tempfile.mkdtemp(prefix="omc-", dir="/tmp"))
        except OSError as error:
            raise ServiceError(
                f"The path {self.home} is too long for the built-in servers' sockets, and /tmp cannot take them "
                f"({error.strerror}). Set OMC_HOME to a shorter path, {OWN_SERVERS}."
            ) from error
        short.chmod(mode)
        place.symlink_to(short)


@dataclass(frozen=True)
class Account:
    """A user number without a name, which the servers run under when the supervisor is root."""

    uid: int
    gid: int


def choose_account(layout: Layout) -> Account | None:
    """The account the servers of this home run under; None means our own.

    Neither server should be root and Postgres refuses to be. So root picks a number nobody has, once: after
    that the owner of the data (or of the sockets' folder) is the record. Raises ServiceError in words where
    that number could not work.
    """
    if os.geteuid() != 0:
        return None
    owners = [folder.stat() for folder in (layout.data, layout.sockets) if folder.exists()]
    number = next((owner.st_uid for owner in owners if owner.st_uid != 0), None) or _free_number()
    account = Account(number, number)
    if not can_use(account, layout.home):
        raise ServiceError(
            f"{layout.home} lies in a folder that is closed to other users, so the built-in servers, which never "
            f"run as root, cannot work there. Set OMC_HOME to a folder such as /var/lib/omc, {OWN_SERVERS}."
        )
    for folder in (layout.data, layout.sockets):
        if folder.exists() and folder.stat().st_uid == 0:
            give(folder, account)
    return account


def can_use(account: Account, *paths: Path) -> bool:
    """Whether `account` can pass through the folders and run the programs among `paths`; tried, not guessed."""
    child = os.fork()
    if child == 0:
        status = 2
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            status = 0 if all(os.access(path, os.X_OK) for path in paths) else 1
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 1):
        raise ServiceError(
            "The built-in servers never run as root, and this root may not switch to another user (a container "
            f"without that right?). Start omc as an ordinary user, {OWN_SERVERS}."
        )
    return status == 0


def give(folder: Path, account: Account) -> None:
    """Make `account` the owner of `folder` and all in it."""
    for path, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.lchown(Path(path) / name, account.uid, account.gid)
    os.chown(folder, account.uid, account.gid)


def _fits(path: Path) -> bool:
    """Whether `path` can be a socket's and be named in an address, where commas and colons have a meaning."""
    return (
        len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
        and re.fullmatch(r"[\w ./@+~=-]+", str(path)) is not None
    )


def _free_number() -> int:
    """A user number without name, group, or process, in a range that systems leave unassigned."""
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            taken.add(process.stat().st_uid)
    return next(number for number in range(60600, 61184) if number not in taken)
