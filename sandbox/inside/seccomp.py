"""The system calls a run may make: a list of what is allowed, as a seccomp filter for the processor at hand.

What is not listed fails with EPERM; a call of another architecture kills the process. What a computation needs is
here, and nothing that reaches a network, another process, or a part of the kernel with a history of holes.
"""

import ctypes
import errno

from sandbox.inside import linux
from sandbox.inside.bpf import (
    ARCHITECTURE,
    JUMP_ABOVE_OR_EQUAL,
    JUMP_EQUAL,
    JUMP_SET,
    NUMBER,
    Program,
    argument,
)
from sandbox.inside.syscalls import Machine

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
REFUSE = 0x00050000  # + errno

# Calls whose arguments cannot do harm. Those a computation makes most often come first.
_ALLOWED = """
read write munmap madvise close fstat lseek newfstatat clock_gettime brk sched_yield
mremap pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 getdents64 statx stat lstat fstatfs
rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack restart_syscall
getpid gettid getppid getpgrp getuid geteuid getgid getegid getgroups getresuid getresgid getcwd uname sysinfo umask
gettimeofday time times clock_getres clock_nanosleep nanosleep pause alarm getitimer setitimer getrusage getrlimit
getrandom getcpu sched_get_priority_max sched_get_priority_min set_robust_list rseq membarrier
select pselect6 poll ppoll pipe2 pipe dup dup2 dup3 close_range fsync fdatasync ftruncate fadvise64 msync
exit exit_group
"""
ALLOWED = tuple(_ALLOWED.split())

# Refused in a way that lets libraries fall back on something else.
ANSWERS = {
    "clone3": errno.ENOSYS,  # its flags lie in memory, where a filter cannot see them; libc then uses clone
    "faccessat2": errno.ENOSYS,
    "readlink": errno.EINVAL,  # "not a link": realpath goes on, and links outside tell nothing
    "readlinkat": errno.EINVAL,
    "memfd_create": errno.ENOSYS,
}

# pthread_create: a thread, never a process. With the flag that musl adds, and as glibc has it.
THREAD_FLAGS = (0x003D0F00, 0x007D0F00)

O_WRITE_BITS, O_TRUNC, O_PATH, O_TMPFILE = 3, 0o1000, 0o10000000, 0o20000000
PROT_EXEC = 4
MAP_SHARED, MAP_ANONYMOUS = 1, 0x20
FCNTL_ALLOWED = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
IOCTL_ALLOWED = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
)  # is it a terminal, FIONREAD, FIONBIO, FIO(N)CLEX
PRCTL_ALLOWED = (3, 15, 16)  # PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME
FUTEX_REFUSED = (6, 7, 8, 11, 12, 13)  # priority inheritance: nothing here needs it, and it had holes

_SET_MODE_FILTER, _TSYNC = 1, 1
_X32_CALLS = 0x40000000


class FilterProgram(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(machine: Machine, own_pid: int) -> None:
    """Hold every thread of this process to the list, for good. Raises OSError when the kernel refuses."""
    code = build(machine, own_pid)
    program = FilterProgram(len(code) // 8, code)
    done = linux.syscall(machine.calls["seccomp"], _SET_MODE_FILTER, _TSYNC, ctypes.byref(program))
    if done != 0:  # with TSYNC: the thread that could not be brought along
        raise OSError(f"thread {done} could not be held")


def build(machine: Machine, own_pid: int) -> bytes:
    """The filter for a process that knows itself as `own_pid`, as an array of struct sock_filter."""
    program = Program()
    program.load(ARCHITECTURE)
    program.jump(JUMP_EQUAL, machine.audit_arch, yes="native")
    program.finish(KILL_PROCESS)
    program.label("native")
    program.load(NUMBER)
    if machine.name == "x86_64":
        program.jump(JUMP_ABOVE_OR_EQUAL, _X32_CALLS, no="ours")
        program.finish(KILL_PROCESS)
        program.label("ours")
    for name in ALLOWED:
        _when(program, machine, name, _Allow())
    for guarded, rule in _rules(own_pid).items():
        _when(program, machine, guarded, rule)
    for name, number in ANSWERS.items():
        _when(program, machine, name, _Answer(number))
    program.finish(REFUSE | errno.EPERM)
    return program.assemble()


class _Allow:
    def write(self, program: Program, name: str) -> None:
        program.finish(ALLOW)


class _Answer:
    def __init__(self, number: int) -> None:
        self.number = number

    def write(self, program: Program, name: str) -> None:
        program.finish(REFUSE | self.number)


class _OneOf:
    """Allowed when one argument, masked, is one of the values (or none of them, with `refuse`)."""

    def __init__(self, index: int, values: tuple[int, ...], *, mask: int = 0, refuse: bool = False) -> None:
        self.index, self.values, self.mask, self.refuse = index, values, mask, refuse

    def write(self, program: Program, name: str) -> None:
        program.load(argument(self.index))
        if self.mask:
            program.keep_bits(self.mask)
        for value in self.values:
            program.jump(JUMP_EQUAL, value, yes=f"{name} named")
        named, other = (REFUSE | errno.EPERM, ALLOW) if self.refuse else (ALLOW, REFUSE | errno.EPERM)
        program.finish(other)
        program.label(f"{name} named")
        program.finish(named)


class _Without:
    """Allowed unless one of these bits is set in an argument."""

    def __init__(self, index: int, bits: int) -> None:
        self.index, self.bits = index, bits

    def write(self, program: Program, name: str) -> None:
        program.load(argument(self.index))
        program.jump(JUMP_SET, self.bits, yes=f"{name} refused")
        program.finish(ALLOW)
        program.label(f"{name} refused")
        program.finish(REFUSE | errno.EPERM)


class _Open:
    """No O_PATH (it sees what Landlock hides), no nameless files, no emptying of a file opened for reading."""

    def __init__(self, index: int) -> None:
        self.index = index

    def write(self, program: Program, name: str) -> None:
        program.load(argument(self.index))
        program.jump(JUMP_SET, O_PATH | O_TMPFILE, yes=f"{name} refused")
        program.jump(JUMP_SET, O_TRUNC, no=f"{name} fine")
        program.keep_bits(O_WRITE_BITS)
        program.jump(JUMP_EQUAL, 0, yes=f"{name} refused")
        program.label(f"{name} fine")
        program.finish(ALLOW)
        program.label(f"{name} refused")
        program.finish(REFUSE | errno.EPERM)


class _Map:
    """No executable memory, and no nameless memory to share, which RLIMIT_DATA does not count."""

    def write(self, program: Program, name: str) -> None:
        program.load(argument(2))
        program.jump(JUMP_SET, PROT_EXEC, yes=f"{name} refused")
        program.load(argument(3))
        program.jump(JUMP_SET, MAP_SHARED, no=f"{name} fine")
        program.jump(JUMP_SET, MAP_ANONYMOUS, yes=f"{name} refused")
        program.label(f"{name} fine")
        program.finish(ALLOW)
        program.label(f"{name} refused")
        program.finish(REFUSE | errno.EPERM)


_Rule = _Allow | _Answer | _OneOf | _Without | _Open | _Map


def _rules(own_pid: int) -> dict[str, _Rule]:
    to_itself = (own_pid,)
    return {
        # All code is loaded before the run: memory of a run can never become executable.
        "mmap": _Map(),
        "mprotect": _Without(2, PROT_EXEC),
        "futex": _OneOf(1, FUTEX_REFUSED, mask=0x7F, refuse=True),
        "openat": _Open(2),
        "clone": _OneOf(0, THREAD_FLAGS),
        "kill": _OneOf(0, to_itself),
        "tgkill": _OneOf(0, to_itself),
        "prlimit64": _OneOf(0, (0, own_pid)),
        "sched_getaffinity": _OneOf(0, (0, own_pid)),
        "fcntl": _OneOf(1, FCNTL_ALLOWED),
        "ioctl": _OneOf(1, IOCTL_ALLOWED),
        "prctl": _OneOf(0, PRCTL_ALLOWED),
    }


def _when(program: Program, machine: Machine, name: str, rule: _Rule) -> None:
    number = machine.calls.get(name)
    if number is None:
        return
    program.jump(JUMP_EQUAL, number, no=f"not {name}")
    rule.write(program, name)
    # The rule's loads have replaced the number, but every way through it has ended.
    program.label(f"not {name}")
