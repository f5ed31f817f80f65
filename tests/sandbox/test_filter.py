"""The seccomp filter of both processors, run instruction by instruction, and the numbers behind it."""

import re
import struct
from pathlib import Path

import pytest

from sandbox.inside import seccomp
from sandbox.inside.bpf import AND, JUMP, JUMP_ABOVE_OR_EQUAL, JUMP_EQUAL, JUMP_SET, LOAD, RETURN
from sandbox.inside.syscalls import MACHINES, Machine

REFUSED = seccomp.REFUSE | 1
OWN = 4321
MACHINE = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES.keys())


def decide(machine: Machine, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the kernel would answer: a small interpreter of the instructions that the filter uses."""
    code = seccomp.build(machine, OWN)
    audited = machine.audit_arch if architecture is None else architecture
    data = struct.pack("=iIQ6Q", number, audited, 0, *(list(arguments) + [0] * 6)[:6])
    place = accumulator = 0
    while True:
        kind, yes, no, value = struct.unpack_from("HBBI", code, place * 8)
        place += 1
        match kind:
            case k if k == LOAD:
                (accumulator,) = struct.unpack_from("=I", data, value)
            case k if k == AND:
                accumulator &= value
            case k if k == JUMP:
                place += value
            case k if k == RETURN:
                return int(value)
            case k if k in (JUMP_EQUAL, JUMP_ABOVE_OR_EQUAL, JUMP_SET):
                holds = {
                    JUMP_EQUAL: accumulator == value,
                    JUMP_ABOVE_OR_EQUAL: accumulator >= value,
                    JUMP_SET: bool(accumulator & value),
                }[k]
                place += yes if holds else no
            case _:
                raise AssertionError(f"instruction {kind:#x}")


@MACHINE
def test_a_call_of_another_architecture_ends_the_process(machine: Machine) -> None:
    number = machine.calls["read"]
    assert decide(machine, number) == seccomp.ALLOW
    assert decide(machine, number, architecture=0x40000003) == seccomp.KILL_PROCESS
    if machine.name == "x86_64":
        assert decide(machine, number | 0x40000000) == seccomp.KILL_PROCESS


@MACHINE
@pytest.mark.parametrize(
    "name",
    [
        "socket", "connect", "bind", "sendmsg", "socketpair", "execve", "execveat", "ptrace", "io_uring_setup", "bpf",
        "keyctl", "shmget", "openat2", "pidfd_open", "mount", "setns", "unshare", "pivot_root", "process_vm_readv",
        "userfaultfd", "perf_event_open", "pidfd_send_signal", "rt_sigqueueinfo", "tkill", "pkey_mprotect", "truncate",
        "utimensat", "setxattr", "capset", "seccomp", "landlock_create_ruleset", "mlock", "fallocate", "wait4",
    ],
)  # fmt: skip
def test_a_call_that_reaches_out_is_refused(machine: Machine, name: str) -> None:
    assert decide(machine, machine.calls[name]) == REFUSED


@MACHINE
def test_threads_are_allowed_and_processes_are_not(machine: Machine) -> None:
    clone = machine.calls["clone"]
    assert decide(machine, clone, 0x3D0F00) == seccomp.ALLOW
    for flags in (17, 0x4100 | 17, 0x10000000 | 17, 0x3D0F00 | 0x10000000, 0x3D0F00 & ~0x10000):
        assert decide(machine, clone, flags) == REFUSED
    assert decide(machine, machine.calls["clone3"]) == seccomp.REFUSE | 38


@MACHINE
def test_signals_and_limits_reach_the_process_itself_only(machine: Machine) -> None:
    for name in ("kill", "tgkill"):
        assert decide(machine, machine.calls[name], OWN, 9) == seccomp.ALLOW
        for other in (0, 1, OWN + 1, 0xFFFFFFFF, -OWN & 0xFFFFFFFF):
            assert decide(machine, machine.calls[name], other, 9) == REFUSED
    assert decide(machine, machine.calls["prlimit64"], OWN + 1) == REFUSED


@MACHINE
def test_memory_never_becomes_executable(machine: Machine) -> None:
    for name in ("mmap", "mprotect"):
        assert decide(machine, machine.calls[name], 0, 4096, 3) == seccomp.ALLOW
        for protection in (4, 5, 7, 7 | 0x01000000):
            assert decide(machine, machine.calls[name], 0, 4096, protection) == REFUSED


@MACHINE
def test_memory_is_shared_through_files_only(machine: Machine) -> None:
    mmap = machine.calls["mmap"]
    for flags in (0x01, 0x02, 0x22, 0x4022):
        assert decide(machine, mmap, 0, 4096, 3, flags) == seccomp.ALLOW
    for flags in (0x21, 0x23, 0x8021):
        assert decide(machine, mmap, 0, 4096, 3, flags) == REFUSED


@MACHINE
def test_files_are_opened_in_plain_ways_only(machine: Machine) -> None:
    openat = machine.calls["openat"]
    assert decide(machine, openat, 0, 0, 0o100 | 0o1000 | 1) == seccomp.ALLOW
    for flags in (0o10000000, 0o20000000 | 2, 0o1000):
        assert decide(machine, openat, 0, 0, flags) == REFUSED


@MACHINE
def test_the_numbers_are_the_kernels_own(machine: Machine) -> None:
    named = {"x86_64": "x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}[machine.name]
    header = Path("/usr/include") / named
    if not header.exists():
        pytest.skip(f"{header} is not installed")
    pattern = r"^#define __NR(?:3264)?_(\w+)\s+(\d+)\s*$"
    kernel = {name: int(number) for name, number in re.findall(pattern, header.read_text(), re.MULTILINE)}
    kernel.setdefault("newfstatat", kernel.get("fstatat", 0))
    assert {name: kernel.get(name) for name in machine.calls} == machine.calls
