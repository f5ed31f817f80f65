"""Calls that the kernel asks the watcher about before it makes them: a new thread, and a new file.

A limit that is polled can be outrun between two looks; these two cannot. It is a second seccomp filter, which only
adds the question: what the list of allowed calls refuses is refused without it. The kernel holds the calling thread
until the answer comes. Kernel documentation: userspace-api/seccomp_filter, "Userspace Notification".
"""

import ctypes
import errno
import fcntl
import struct
from dataclasses import dataclass
from typing import Literal

from sandbox.inside import linux
from sandbox.inside.bpf import ARCHITECTURE, JUMP_EQUAL, JUMP_SET, NUMBER, Program, argument
from sandbox.inside.seccomp import ALLOW, FilterProgram
from sandbox.inside.syscalls import Machine

ASK = 0x7FC00000
O_CREAT = 0o100

_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
# _IOWR('!', 0, struct seccomp_notif) and _IOWR('!', 1, struct seccomp_notif_resp)
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION = struct.Struct("=QII i I Q 6Q")
_RESPONSE = struct.Struct("=QqiI")
_GO_ON = 1


@dataclass(frozen=True)
class Question:
    """One call that waits for its answer."""

    id: int
    about: Literal["thread", "file"]


def install(machine: Machine, *, files: bool) -> int:
    """Have threads, and new files if wanted, asked about; returns where the questions come, open."""
    program = Program()
    program.load(ARCHITECTURE)
    program.jump(JUMP_EQUAL, machine.audit_arch, no="fine")
    program.load(NUMBER)
    program.jump(JUMP_EQUAL, machine.calls["clone"], yes="ask")
    if files:
        program.jump(JUMP_EQUAL, machine.calls["openat"], no="fine")
        program.load(argument(2))
        program.jump(JUMP_SET, O_CREAT, yes="ask")
    program.label("fine")
    program.finish(ALLOW)
    program.label("ask")
    program.finish(ASK)
    code = program.assemble()
    return linux.syscall(
        machine.calls["seccomp"],
        _SET_MODE_FILTER,
        _NEW_LISTENER,
        ctypes.byref(FilterProgram(len(code) // 8, code)),
    )


def next_question(machine: Machine, listener: int) -> Question | None:
    """The question that waits; None when the process that asked is gone."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer, True)
    except OSError:
        return None
    number, _, _, call, *_ = _NOTIFICATION.unpack(buffer)
    return Question(number, "thread" if call == machine.calls["clone"] else "file")


def answer(listener: int, question: Question, refusal: int = 0) -> None:
    """Let the call go on, or have it fail with an error number."""
    response = _RESPONSE.pack(question.id, 0, -refusal, 0 if refusal else _GO_ON)
    try:
        fcntl.ioctl(listener, _SEND, response)
    except OSError as error:
        if error.errno != errno.ENOENT:  # killed meanwhile
            raise
