"""Namespaces, where the host allows them: a file system, process list and network of its own, with no privilege.

The zygote enters a user, mount, pid, network, ipc and host-name namespace before it imports anything, and swaps its
root for an almost empty one: the libraries, read-only, and nothing else. Each run gets on top a mount namespace with
a scratch folder of limited size, and a pid namespace in which it is alone.
"""

import ctypes
import os
import struct
from dataclasses import dataclass

from sandbox.inside import linux, places
from sandbox.inside.syscalls import Machine

SCRATCH = "/scratch"
_QUIET = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY_NOSUID_NODEV = 1 | 2 | 4
_EVERYTHING = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWIPC
    | linux.CLONE_NEWUTS
)


@dataclass(frozen=True)
class Jail:
    """The zygote's side: what it needs to give each run namespaces of its own."""

    own_pids: int  # this process's pid namespace, open

    def before_fork(self) -> None:
        """Make the next fork the first process of a fresh pid namespace."""
        linux.setns(
            self.own_pids, linux.CLONE_NEWPID
        )  # back from the last run's, which cannot be left directly
        linux.unshare(linux.CLONE_NEWPID)

    def enter_run(self, scratch_bytes: int, files: int) -> None:
        """In the fork: a scratch folder of that size as the working folder, and a /proc with one file in it."""
        linux.unshare(linux.CLONE_NEWNS)
        linux.mount("tmpfs", SCRATCH, "tmpfs", _QUIET, f"size={scratch_bytes},nr_inodes={files},mode=700")
        # threadpoolctl reads the process's own memory map, and nothing else of /proc is wanted.
        pid = os.readlink("/proc/self")
        linux.mount("tmpfs", "/mnt", "tmpfs", _QUIET, "size=16k,nr_inodes=8,mode=755")
        os.mkdir(f"/mnt/{pid}")
        _touch(f"/mnt/{pid}/maps")
        linux.mount(f"/proc/{pid}/maps", f"/mnt/{pid}/maps", flags=linux.MS_BIND)
        os.symlink(pid, "/mnt/self")
        linux.mount("/mnt", "/proc", flags=linux.MS_MOVE)
        os.chdir(SCRATCH)


def enter(machine: Machine, root: str, readable: list[str], writable: str) -> Jail:
    """Move this process behind the namespaces; on return it is a fork of the one that called.

    `root` is an empty folder that becomes the new root; `writable` is the one place of `readable` that the libraries
    may still write while they load (the font cache). Raises OSError when the host does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    linux.unshare(_EVERYTHING)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    _furnish(machine, root, readable, writable)
    child = os.fork()
    if child:
        _wait_for(child)
    linux.prctl(linux.PR_SET_PDEATHSIG, 9)
    own_pids = os.open("/proc/self/ns/pid_for_children", os.O_RDONLY | os.O_CLOEXEC)
    os.chdir(root)
    linux.syscall(machine.calls["pivot_root"], b".", b".")
    linux.unmount(".")
    os.chdir("/")
    linux.mount("", "/", flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _QUIET)
    return Jail(own_pids)


def _furnish(machine: Machine, root: str, readable: list[str], writable: str) -> None:
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path in readable:
        real = os.path.realpath(path)
        if real != path:
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            os.symlink(real, root + path)
        if os.path.lexists(root + real):
            continue  # inside something that is there already
        _bind(real, root + real)
        if path != writable:
            _make_read_only(machine, root + real)
    for device in places.DEVICES:
        _bind(device, root + device)
    _bind("/proc", f"{root}/proc", linux.MS_REC)
    for folder in (SCRATCH, "/mnt"):
        os.mkdir(root + folder)


def _bind(source: str, target: str, more: int = 0) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
        more = linux.MS_REC
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _touch(target)
    linux.mount(source, target, flags=linux.MS_BIND | more)


def _make_read_only(machine: Machine, target: str) -> None:
    attributes = struct.pack("QQQQ", _ATTR_RDONLY_NOSUID_NODEV, 0, 0, 0)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    linux.syscall(
        machine.calls["mount_setattr"], _AT_FDCWD, target.encode(), _AT_RECURSIVE, ctypes.byref(buffer), 32
    )


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _wait_for(child: int) -> None:
    """The process outside: keep nothing, wait, end as the one inside did."""
    os.closerange(0, 1024)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
