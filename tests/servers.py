"""The processes of one home's built-in servers, as an operator sees them from outside."""

import os
import signal
from pathlib import Path
from typing import Literal

from tests.waiting import is_supervised, wait_until

Server = Literal["supervisor", "postgres", "valkey"]
_MARKS: dict[Server, str] = {
    "supervisor": "storage.supervisor",
    "postgres": "postgres -D",
    "valkey": "valkey-server",
}


def find(home: Path, server: Server) -> int | None:
    """The number of a living server process of `home`; None when there is none."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if _MARKS[server] in said and str(home) in said and lives(int(entry.name)):
            return int(entry.name)
    return None


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill(home: Path, server: Server) -> None:
    """Kill a server as the kernel does when memory runs out."""
    pid = find(home, server)
    assert pid is not None, f"no {server} runs in {home}"
    os.kill(pid, signal.SIGKILL)


def end(home: Path) -> None:
    """Make an end of the servers of `home`, without waiting for their time of grace; they die with their supervisor."""
    pid = find(home, "supervisor")
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_supervised(home), "the built-in servers have stopped")
