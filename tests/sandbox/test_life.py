"""The keeper and its zygotes: they end with their owner, come back when lost, refuse where code cannot be held."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from sandbox import Limits, Sandbox, SandboxError, wire
from sandbox.settings import SandboxSettings
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
# Fewer libraries than usual, for these tests are not about them.
LIGHT = "from sandbox import running; running.LIBRARIES = ('numpy', 'pandas', 'matplotlib.pyplot')\n"
OWNER = (
    LIGHT
    + """
import sys, json
from sandbox import default, run
found = run("result = 6 * 7")
print(json.dumps({"address": default().address, "keeper": default().keeper_pid, "value": found.value}), flush=True)
sys.stdin.read()
"""
)
# In a process of its own: have the kernel refuse one call by number, then ask for a sandbox.
REFUSING = (
    LIGHT
    + """
import ctypes, sys
from sandbox import Sandbox, SandboxError, run
from sandbox.inside import bpf, linux, seccomp
from sandbox.inside.syscalls import this_machine
machine = this_machine()
program = bpf.Program()
program.load(bpf.NUMBER)
program.jump(bpf.JUMP_EQUAL, machine.calls[sys.argv[1]], no="fine")
program.finish(seccomp.REFUSE | 38)
program.label("fine")
program.finish(seccomp.ALLOW)
code = program.assemble()
linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
linux.syscall(machine.calls["seccomp"], 1, 0, ctypes.byref(seccomp.FilterProgram(len(code) // 8, code)))
try:
    print(Sandbox.start().check())
except SandboxError as error:
    print(error)
result = run("result = 1")
print(result.status, result.value, result.error)
"""
)


def children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def test_nothing_is_left_after_many_runs(sandbox: Sandbox) -> None:
    assert sandbox.keeper_pid is not None
    keeper = psutil.Process(sandbox.keeper_pid)
    base = Path(sandbox.address).parent
    for _ in range(3):
        sandbox.run("result = 1")
    wait_until(lambda: not list(base.glob("run-*")), "the first runs' folders are gone")
    before = len(children(keeper.pid)), keeper.num_fds(), keeper.num_threads(), sorted(base.iterdir())
    own = psutil.Process().num_fds()
    for number in range(25):
        assert sandbox.run(f"result = {number}").value == number

    def now() -> tuple[int, int, int, list[Path]]:
        return len(children(keeper.pid)), keeper.num_fds(), keeper.num_threads(), sorted(base.iterdir())

    wait_until(lambda: now() == before, "the keeper looks as it did before")
    assert psutil.Process().num_fds() == own


def test_only_the_user_can_reach_it(sandbox: Sandbox) -> None:
    address = Path(sandbox.address)
    assert stat.S_IMODE(address.stat().st_mode) == 0o600
    assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700


def test_a_message_that_is_no_request_harms_nobody(sandbox: Sandbox) -> None:
    for said in (b"", b"\0\0\0\4null", b"\xff" * 8, b"\0\0\0\2{}", b'\0\0\0\x0d{"code": 1.5}'):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(sandbox.address)
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                client.recv(1000)
    assert sandbox.run("result = 1").value == 1


def test_runs_at_the_same_time_do_not_mix(sandbox: Sandbox) -> None:
    answers: dict[int, object] = {}

    def ask(number: int) -> None:
        code = f"import time\nopen_ = {number}\ntime.sleep(0.1)\nprint({number})\nresult = open_"
        done = sandbox.run(code)
        answers[number] = (done.value, done.stdout)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: (number, f"{number}\n") for number in range(6)}


def test_a_run_ends_when_whoever_asked_is_gone(sandbox: Sandbox) -> None:
    assert sandbox.keeper_pid is not None
    before = len(children(sandbox.keeper_pid))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(sandbox.address)
        request = {"code": "while True: pass", "inputs": [], "seconds": 60, "memory_mb": 64}
        wire.send(client, request)
        keeper = sandbox.keeper_pid
        wait_until(lambda: len(children(keeper)) > before, "the run has begun")
    wait_until(lambda: len(children(keeper)) == before, "the run is over")


def test_everything_ends_with_the_owner_and_a_lost_part_comes_back() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    told = json.loads(owner.stdout.readline())
    assert told["value"] == 42
    held = children(told["keeper"])
    assert held
    sandbox = Sandbox(told["address"], SandboxSettings())
    for process in held:
        process.kill()
    assert sandbox.run("result = 1", limits=Limits(60, 256)).value == 1, "a new zygote has taken over"
    successors = children(told["keeper"])
    owner.kill()
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()
    gone = [told["keeper"], *(process.pid for process in successors)]
    wait_until(lambda: not any(map(psutil.pid_exists, gone)), "no process of the sandbox is left")
    assert not Path(told["address"]).parent.exists()
    assert sandbox.run("result = 1").status == "unavailable"


def test_a_killed_keeper_leaves_nothing_that_the_next_does_not_remove(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sandbox import running

    monkeypatch.setattr(running, "_default", None)
    first = running.default()
    assert first.check().own
    assert first.keeper_pid is not None
    os.kill(first.keeper_pid, signal.SIGKILL)
    assert first._keeper is not None
    first._keeper.wait()
    second = running.default()
    try:
        assert second.address != first.address
        assert second.check().own
        assert not Path(first.address).parent.exists()
    finally:
        second.close()


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("landlock_create_ruleset", "no Landlock"),
        ("seccomp", "could not be held"),
        ("capset", "could not be held"),
    ],
)
def test_where_code_cannot_be_held_nothing_runs(call: str, why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSING, call], cwd=ROOT, capture_output=True, text=True, check=False
    )
    checked, ran = done.stdout.strip().splitlines()
    assert checked.startswith("Code cannot be held here: ")
    assert why in checked
    assert ran.startswith("unavailable None Code cannot be held here: ")


def test_without_namespaces_it_holds_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSING, "unshare"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    checked, ran = done.stdout.strip().splitlines()
    assert "namespaces=False" in checked
    assert ran == "ok 1 None"


def test_a_sandbox_in_a_place_of_its_own_is_used_through_its_socket(tmp_path: Path) -> None:
    address = tmp_path / "socket"
    command = [sys.executable, "-m", "bots.cli", "sandbox", "--socket", str(address)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until(address.exists, "the sandbox listens")
        elsewhere = Sandbox.start(SandboxSettings(sandbox_socket=address))
        assert not elsewhere.check().own
        assert elsewhere.run("result = 2 + 2").value == 4
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    assert not address.exists()
    with pytest.raises(SandboxError, match="cannot be reached"):
        elsewhere.check()
    began = time.monotonic()
    assert elsewhere.run("result = 1").status == "unavailable"
    assert time.monotonic() - began < 60, "a refusal, not a wait"
