"""The zygote: it loads the libraries once and is forked for every run. It holds no code, no input and no secret.

Started by exec with an empty environment and one socket, over which a run is asked for by sending its files: the
socket that the run talks over, the one its end is reported on, its scratch folder. It must never compute: a process
in which OpenMP has started threads makes every fit in its forks hang.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import socket
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from sandbox import wire
from sandbox.inside import asking, confine, landlock, linux, namespaces, probe, runner
from sandbox.inside.confine import Boundary
from sandbox.inside.namespaces import Jail
from sandbox.inside.syscalls import this_machine

# Packages whose compiled parts are loaded in advance, because a run can load none. The rest of Python's come too.
COMPILED = ("numpy", "pandas", "scipy", "sklearn", "matplotlib", "PIL", "contourpy", "kiwisolver", "xgboost")


def main() -> None:
    """Serve runs until the keeper closes the socket. The arguments are one JSON object."""
    given = json.loads(sys.argv[-1])
    linux.die_with(given["keeper"])
    keeper = socket.socket(fileno=given["socket"])
    try:
        boundary = _prepare(given)
    except (OSError, ImportError) as error:
        wire.send(keeper, {"failed": f"{type(error).__name__}: {error}"})
        return
    wire.send(keeper, {"ready": True, "landlock": landlock.version(boundary.machine)})
    _serve(keeper, boundary)


def _prepare(given: dict[str, object]) -> Boundary:
    machine = this_machine()
    if machine is None:
        raise OSError(f"no table of system calls for a {os.uname().machine} processor")
    if landlock.version(machine) < 1:
        raise OSError(
            "this kernel has no Landlock (Linux 5.13 or newer, with landlock among its security modules)"
        )
    readable = [str(path) for path in _list(given["readable"])]
    jail: Jail | None = None
    if given["namespaces"]:
        jail = namespaces.enter(machine, str(given["root"]), readable, str(given["font_cache"]))
    modules = _list(given["modules"])
    environment = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            importlib.import_module(str(name))
    if modules:
        _load_compiled()
    for name in os.environ.keys() - environment.keys():  # a library notes where it lies
        del os.environ[name]
    sys.path[:] = [path for path in sys.path if path.startswith(tuple(readable))]
    confine.check_clean()
    return Boundary.prepare(machine, jail, readable)


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _load_compiled() -> None:
    """Have every compiled module in memory, not initialised; importing it in a run then maps no new code."""
    packages = Path(sysconfig.get_path("platlib"))
    folders = [packages / name for name in COMPILED] + [packages / f"{name}.libs" for name in COMPILED]
    folders.append(Path(sysconfig.get_path("stdlib")) / "lib-dynload")
    for folder in folders:
        for path in sorted(folder.rglob("*.so*")):
            with contextlib.suppress(
                OSError
            ):  # a module that does not load here will not load in a run either
                ctypes.CDLL(str(path))


def _serve(keeper: socket.socket, boundary: Boundary) -> None:
    poll = select.poll()
    poll.register(keeper, select.POLLIN)
    reports: dict[int, tuple[int, socket.socket]] = {}  # a run's pidfd -> its pid, where its end is told
    while True:
        for ready, _ in poll.poll():
            if ready == keeper.fileno():
                try:
                    message, files = wire.receive(keeper)
                except wire.Closed:
                    return
                inner, outer, folder, *inputs = files
                report = socket.socket(fileno=outer)
                pid = _fork(boundary, message, inner, folder, inputs, report)
                wire.close([inner, folder, *inputs])
                if pid is None:
                    report.close()
                    continue
                pidfd = os.pidfd_open(pid)
                with contextlib.suppress(wire.Closed):
                    wire.send(report, {"started": True}, (pidfd,))
                poll.register(pidfd, select.POLLIN)
                reports[pidfd] = pid, report
            else:
                pid, report = reports.pop(ready)
                poll.unregister(ready)
                _, status, used = os.wait4(pid, 0)
                os.close(ready)
                with contextlib.suppress(wire.Closed):
                    code = os.waitstatus_to_exitcode(status)
                    seconds = used.ru_utime + used.ru_stime
                    wire.send(report, {"exit": code, "cpu_seconds": seconds, "peak_kb": used.ru_maxrss})
                report.close()


def _fork(
    boundary: Boundary,
    message: dict[str, object],
    inner: int,
    folder: int,
    inputs: list[int],
    report: socket.socket,
) -> int | None:
    own = os.getpid()
    try:
        if boundary.jail is not None:
            boundary.jail.before_fork()
        pid = os.fork()
    except OSError as error:
        with contextlib.suppress(wire.Closed):
            wire.send(report, {"failed": str(error)})
        return None
    if pid == 0:
        _run(boundary, own, inner, folder, inputs)
    return pid


def _run(boundary: Boundary, zygote: int, inner: int, folder: int, inputs: list[int]) -> NoReturn:
    """In the fork: be held, then run the code. Never returns."""
    talk = socket.socket(fileno=inner)
    try:
        if boundary.jail is None:
            linux.die_with(zygote)
        else:  # a pid namespace ends with its zygote; the number of a parent outside is 0
            linux.prctl(linux.PR_SET_PDEATHSIG, 9)
        scratch = confine.enter_scratch(boundary, folder, {inner, *inputs})
        runner.reserve()
        request, _ = wire.receive(talk)
        confine.limit(boundary, request["seconds"], request["memory_mb"], request["threads"])
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        questions = asking.install(boundary.machine, files=boundary.jail is None)
        wire.send(talk, {"scratch": True}, (scratch, questions))
        os.close(questions)
        confine.hold(boundary, scratch)
        os.write(inner, b"+")
        os.close(scratch)
        talk.close()
        os.close(folder)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            wire.send(talk, {"failed": f"{type(error).__name__}: {error}"})
        os._exit(1)
    with _ending():
        if "probe" in request:
            probe.attempt(request["probe"], request["memory_mb"])
        else:
            runner.execute(
                request["code"],
                [(*named, file) for named, file in zip(request["inputs"], inputs, strict=True)],
            )
    os._exit(0)


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """Whatever comes out of a run, the fork never goes on as a zygote."""
    try:
        yield
    except BaseException:
        os._exit(1)
