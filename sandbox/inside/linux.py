"""System calls that Python's standard library does not offer, each raising OSError when the kernel refuses."""

import ctypes
import os
import signal
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 32, 4096, 8192, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAP_AMBIENT = 47
PR_SET_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def syscall(number: int, *arguments: object) -> int:
    """Call the kernel by number: ints, bytes, ctypes references."""
    assert _libc is not None
    ctypes.set_errno(0)
    given = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    done = int(_libc.syscall(ctypes.c_long(number), *given))
    if done < 0:
        raise _error(f"system call {number}")
    return done


def prctl(option: int, *values: int) -> int:
    assert _libc is not None
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    done = int(_libc.prctl(option, *padded))
    if done < 0:
        raise _error(f"prctl {option}")
    return done


def unshare(flags: int) -> None:
    assert _libc is not None
    if _libc.unshare(flags) < 0:
        raise _error("unshare")


def setns(namespace: int, kind: int) -> None:
    assert _libc is not None
    if _libc.setns(namespace, kind) < 0:
        raise _error("setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    assert _libc is not None
    if _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()) < 0:
        raise _error(f"mount {target}")


def unmount(target: str) -> None:
    assert _libc is not None
    if _libc.umount2(target.encode(), MNT_DETACH) < 0:
        raise _error(f"umount {target}")


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends; end at once if that has happened already."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
