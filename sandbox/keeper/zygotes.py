"""The zygote's life: started when first needed, tested before it may hold anything, replaced when lost or worn."""

import contextlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import wire
from sandbox.inside import places

# A process that was forked so often is replaced, while the old one still serves.
RUNS = 200
START_SECONDS = 120.0
START = "import sys; sys.path.insert(0, sys.argv[1]); from sandbox.inside.zygote import main; main()"
PROJECT = str(Path(__file__).parents[2])


_TELLING = ("sklearn/cluster/_kmeans.py", "scipy/stats/_stats_py.py", "pandas/core/frame.py")


def _is_compiled(module: str) -> bool:
    source = Path(sysconfig.get_path("platlib")) / module
    return Path(importlib.util.cache_from_source(str(source))).exists()


class Unavailable(Exception):
    """No code can be held here; the text says why."""


class Lost(Unavailable):
    """The zygote was gone before it had forked the run."""


@dataclass(frozen=True)
class Options:
    """How zygotes are made."""

    modules: tuple[str, ...]
    namespaces: bool
    threads: int
    font_cache: str


@dataclass(eq=False)
class Zygote:
    """One started zygote, as the keeper sees it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    namespaces: bool
    landlock: int = 0
    runs: int = 0
    active: int = 0
    retired: bool = False
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, files: tuple[int, ...]) -> None:
        """Have it fork a run with these files. Raises wire.Closed when it is gone."""
        with self._asking:
            wire.send(self.control, {"run": True}, files)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def is_lost(self) -> bool:
        """Whether it has ended, when something it should have done did not happen."""
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        self.control.close()
        self.process.kill()
        self.process.wait()


class Nursery:
    """Has one good zygote at hand. Each is started by the same thread, because it dies with the thread that did."""

    def __init__(self, options: Options, base: Path, test: Callable[[Zygote], None]) -> None:
        self._options = options
        self._namespaces = options.namespaces
        self._base = base
        self._test = test
        self._changed = threading.Condition()
        self._wanted = False
        self._zygote: Zygote | None = None
        self._failures: list[str] = []
        self._proof: Zygote | str | None = None
        threading.Thread(target=self._raise_zygotes, daemon=True).start()

    def proof(self) -> Zygote:
        """The zygote without libraries that was tested at the start, ended since. Raises Unavailable if it failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._proof is not None, START_SECONDS)
            if isinstance(self._proof, Zygote):
                return self._proof
            raise Unavailable(self._proof or "the self-test takes too long")

    def warm(self) -> None:
        """Start a zygote now, not with the first run."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def hire(self) -> Zygote:
        """A zygote to run something in; give it back with `release`. Raises Unavailable."""
        self.proof()
        with self._changed:
            failures = len(self._failures)
            if self._zygote is None or not self._zygote.alive or self._zygote.runs >= RUNS:
                self._wanted = True
                self._changed.notify_all()
            self._changed.wait_for(
                lambda: (self._zygote is not None and self._zygote.alive) or len(self._failures) > failures,
                START_SECONDS,
            )
            zygote = self._zygote
            if zygote is None or not zygote.alive:
                raise Unavailable(self._failures[-1] if self._failures else "it did not start in time")
            zygote.runs += 1
            zygote.active += 1
            return zygote

    def release(self, zygote: Zygote) -> None:
        with self._changed:
            zygote.active -= 1
            if zygote.retired and not zygote.active:
                zygote.end()

    def close(self) -> None:
        with self._changed:
            if self._zygote is not None:
                self._zygote.end()

    def _raise_zygotes(self) -> None:
        self._prove()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted)
                self._wanted = False
                old = self._zygote
                if old is not None and old.alive and old.runs < RUNS:
                    continue
            try:
                fresh = self._start(self._options.modules)
            except (Unavailable, OSError) as error:
                with self._changed:
                    self._failures.append(str(error))
                    self._changed.notify_all()
                continue
            with self._changed:
                self._zygote = fresh
                if old is not None:
                    old.retired = True
                    if not old.active:
                        old.end()
                self._changed.notify_all()

    def _prove(self) -> None:
        """Try the boundary before anything relies on it, with a zygote that takes no time to load."""
        proof: Zygote | str
        try:
            proof = self._start(())
            proof.end()
        except (Unavailable, OSError) as error:
            proof = str(error)
        with self._changed:
            self._proof = proof
            self._changed.notify_all()

    def _start(self, modules: tuple[str, ...]) -> Zygote:
        if self._namespaces:
            try:
                return self._start_one(modules, namespaces=True)
            except Unavailable:
                # Many hosts forbid them. They are an extra wall, and the self-test decides about the others.
                self._namespaces = False
        return self._start_one(modules, namespaces=False)

    def _start_one(self, modules: tuple[str, ...], *, namespaces: bool) -> Zygote:
        here, there = socket.socketpair()
        root = self._base / "root"
        root.mkdir(exist_ok=True)
        given = {
            "keeper": os.getpid(),
            "socket": there.fileno(),
            "modules": modules,
            "namespaces": namespaces,
            "root": str(root),
            "readable": places.readable(self._options.font_cache),
            "font_cache": self._options.font_cache,
        }
        process = subprocess.Popen(
            [sys.executable, "-I", *self._bytecode(), "-c", START, PROJECT, json.dumps(given)],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=(there.fileno(),),
        )
        there.close()
        zygote = Zygote(process, here, namespaces)
        try:
            here.settimeout(START_SECONDS)
            said, files = wire.receive(here)
            wire.close(files)
            here.settimeout(None)
            if "failed" in said:
                raise Unavailable(str(said["failed"]))
            zygote.landlock = int(said["landlock"])
            self._test(zygote)
        except BaseException as error:
            with contextlib.suppress(OSError):
                zygote.end()
            if isinstance(error, wire.Closed):
                raise Unavailable("the process that loads the libraries ended early") from error
            raise
        return zygote

    def _bytecode(self) -> list[str]:
        """Where the libraries' compiled source is kept: without any, each start takes three times the processor.

        They have it beside them unless they were installed, or are used, by somebody who writes none there. The
        zygote, behind its namespaces, can write beside the list of fonts alone.
        """
        if all(map(_is_compiled, _TELLING)):
            return ["-B"]
        return ["-X", f"pycache_prefix={self._options.font_cache}/bytecode"]

    def _environment(self) -> dict[str, str]:
        """All that the zygote and the runs find in their environment: how the libraries should behave."""
        threads = str(self._options.threads)
        return {
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": self._options.font_cache,
            "OMP_NUM_THREADS": threads,
            "OMP_WAIT_POLICY": "PASSIVE",
            "GOMP_SPINCOUNT": "0",
            # Its pool would start with the import, in the process that is forked.
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            # Each arena and each stack reserves address space, which is what the memory limit counts.
            "MALLOC_ARENA_MAX": "2",
            "OMP_STACKSIZE": "4M",
            "JOBLIB_MULTIPROCESSING": "0",
            "LOKY_MAX_CPU_COUNT": threads,
        }
