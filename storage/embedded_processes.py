"""Starting a server that dies with its supervisor, and what an earlier one left behind: processes and logs.

Only the standard library is imported: the supervisor, which must start fast, uses it.
"""

import contextlib
import ctypes
import errno
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from storage.embedded_home import OWN_SERVERS, Account
from storage.errors import ServiceError

LARGEST_LOG = 1_000_000
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000


def spawn(
    command: list[str],
    *,
    log: IO[bytes],
    folder: Path,
    account: Account | None,
    death_signal: signal.Signals,
    disguise: bool = False,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that gets `death_signal` when this process dies, however it dies (Linux only).

    With `disguise` it believes to be a named user (in a user namespace of its own).
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare_child() -> None:  # after the change of user, which would clear the death signal
        if disguise:
            _enter_namespace(libc)
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
            if os.getppid() != parent:
                os._exit(1)

    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=log,
            stderr=log,
            cwd=folder,
            # Nothing of the user's environment, which holds keys and tokens.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            preexec_fn=prepare_child,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    except subprocess.SubprocessError as error:  # raised by prepare_child
        raise ServiceError(
            f"The user number {os.geteuid()} has no name on this machine, Postgres needs one, and this system does "
            f"not allow to lend it one. Start omc as a user with an entry in /etc/passwd, {OWN_SERVERS}."
        ) from error
    except OSError as error:
        raise ServiceError(
            f"{command[0]} cannot be run: {error.strerror}. Install omc again, {OWN_SERVERS}."
        ) from error


def end_leftovers(program: str, folder: Path, *, mark: str) -> None:
    """Wait for processes of an earlier `program` that still work in `folder`; end them if they do not end.

    Only then is a leftover pid file stale: a killed Postgres may leave processes that still write.
    """
    asked = False
    deadline = time.monotonic() + 10
    while left := list(_processes_of(program, folder, mark)):
        now = time.monotonic()
        if now > deadline + 5:
            raise ServiceError(
                f"Processes of an earlier start still use {folder} and cannot be ended: "
                f"{', '.join(map(str, left))}. End them and try again."
            )
        for pid in left:
            if now > deadline or not asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if now > deadline else signal.SIGINT)
        asked = True
        time.sleep(0.01)


def open_log(path: Path) -> IO[bytes]:
    """`path` for appending; what was there before is put aside, once, when it has grown large."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_name(path.name + ".1"))
    log = path.open("ab")
    log.seek(0, os.SEEK_END)
    return log


def failure(what: str, log: Path, start: int) -> ServiceError:
    """`what` went wrong, with the telling line of what `log` says from `start` on and what to do."""
    with log.open("rb") as file:
        file.seek(start)
        said = file.read().decode(errors="replace").strip()
    telling = re.search(r"\b(FATAL|PANIC|ERROR|error): .*", said)
    why = telling.group() if telling else (said.splitlines() or ["no word of why"])[-1]
    if os.strerror(errno.ENOSPC) in said or "free disk space" in said:
        remedy = f"Free some disk space, set OMC_HOME to a folder on another disk, {OWN_SERVERS}."
    else:
        remedy = f"The whole log is {log}. Set OMC_HOME to another folder, {OWN_SERVERS}."
    return ServiceError(f"{what}: {why.rstrip(' .')}. {remedy}")


def _enter_namespace(libc: ctypes.CDLL) -> None:
    uid, gid = os.geteuid(), os.getegid()
    named = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{named.pw_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{named.pw_gid} {gid} 1")


def _processes_of(program: str, folder: Path, mark: str) -> Iterator[int]:
    """Processes that run `program` and work in `folder`, or in one of that name that was deleted.

    Where there is no /proc: those whose command line holds `mark`.
    """
    if Path("/proc/self/cwd").exists():
        real = os.path.realpath(folder)
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # ended meanwhile, or not ours
                where = str((process / "cwd").readlink())
                runs = (process / "exe").readlink().name.removesuffix(" (deleted)")
                if where in (real, f"{real} (deleted)") and runs == program:
                    yield int(process.name)
        return
    listing = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        number, _, command = line.strip().partition(" ")
        if program in command and mark in command and number != str(os.getpid()):
            yield int(number)
