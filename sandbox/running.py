"""The front door: `run` sends code to a keeper and tells what came of it; a keeper is started when there is none."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sandbox import wire
from sandbox.contract import Limits, Result, SandboxError, Status, Usage
from sandbox.inputs import Inputs, pack
from sandbox.lint import complain
from sandbox.results import Left, collect

if TYPE_CHECKING:
    from sandbox.settings import SandboxSettings

# What code may use, loaded before the first run: what a run imports itself costs it a second and more.
LIBRARIES = (
    "numpy", "pandas", "pyarrow", "pyarrow.parquet", "pyarrow.pandas_compat", "scipy.stats", "scipy.optimize",
    "scipy.signal", "matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.dates", "PIL.PngImagePlugin",
    "pandas.plotting._matplotlib", "sklearn.cluster", "sklearn.compose", "sklearn.decomposition", "sklearn.dummy",
    "sklearn.ensemble", "sklearn.feature_selection", "sklearn.inspection", "sklearn.linear_model", "sklearn.metrics",
    "sklearn.model_selection", "sklearn.naive_bayes", "sklearn.neighbors", "sklearn.neural_network",
    "sklearn.pipeline", "sklearn.preprocessing", "sklearn.svm", "sklearn.tree", "seaborn", "ta", "xgboost",
    "statistics", "decimal", "fractions", "zoneinfo", "csv", "uuid",
)  # fmt: skip
START = "import sys; sys.path.insert(0, sys.argv[1]); from sandbox.keeper.serving import main; main()"
PROJECT = str(Path(__file__).parents[1])
START_SECONDS = 30.0
MOST_CODE = 50_000
NEARLY = 0.8  # of the memory limit: an end without a word is then put down to it


@dataclass(frozen=True)
class Protection:
    """How code is held here."""

    namespaces: bool
    landlock: int  # the version that the kernel offers
    own: bool  # started by this process, not found at SANDBOX_SOCKET


class Sandbox:
    """A keeper's address, and the keeper itself when this process started it."""

    def __init__(
        self, address: str, settings: "SandboxSettings", keeper: "subprocess.Popen[bytes] | None" = None
    ) -> None:
        self.address = address
        self._settings = settings
        self._keeper = keeper

    @classmethod
    def start(
        cls,
        settings: "SandboxSettings | None" = None,
        *,
        warm: bool = False,
        namespaces: bool = True,
    ) -> "Sandbox":
        """Start a keeper that lives as long as this process; with SANDBOX_SOCKET, use the one that is there.

        `warm` loads the libraries now rather than with the first run; without `namespaces` the extra wall is left
        out even where the host allows it. Raises SandboxError where code cannot be held.
        """
        settings = settings or _settings()
        if settings.sandbox_socket is not None:
            return cls(str(settings.sandbox_socket), settings)
        if sys.platform != "linux":
            raise SandboxError(ELSEWHERE)
        given = _options(settings, owner=os.getpid(), warm=warm, namespaces=namespaces)
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-B", "-c", START, PROJECT, json.dumps(given)],
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert keeper.stdout is not None
        with keeper.stdout:
            said = keeper.stdout.readline()
        if not said:
            raise SandboxError(f"The process that holds code did not start (exit status {keeper.wait()}).")
        return cls(json.loads(said)["address"], settings, keeper)

    def run(
        self, code: str, inputs: Inputs | None = None, limits: Limits | None = None, *, lint: bool = True
    ) -> Result:
        """Run `code` held, with `inputs` at hand as variables, and return what came of it.

        Whatever the code does ends up in the Result. Raises SandboxError for inputs that cannot be handed over.
        """
        if len(code) > MOST_CODE:
            return Result(
                "rejected", error=f"The code has {len(code):,} characters; {MOST_CODE:,} are allowed."
            )
        if lint and (complaint := complain(code)):
            return Result("rejected", error=complaint)
        capped = self._settings.cap(limits)
        described, files = pack(inputs or {})
        request = {
            "code": code,
            "inputs": described,
            "seconds": capped.seconds,
            "memory_mb": capped.memory_mb,
        }
        try:
            with self._connect() as keeper:
                wire.send(keeper, request, tuple(files))
                reply, came = wire.receive(keeper)
                try:
                    return _conclude(reply, came, capped)
                finally:
                    wire.close(came)
        except wire.Closed as error:
            return Result("unavailable", error=f"The sandbox went away during the run: {error}.")
        except OSError as error:
            return Result(
                "unavailable", error=f"The sandbox cannot be reached at {self.address}: {error.strerror}."
            )
        finally:
            wire.close(files)

    def check(self) -> Protection:
        """How code is held here, after a run has tried to break out. Raises SandboxError when it is not."""
        try:
            with self._connect() as keeper:
                wire.send(keeper, {"about": True})
                reply, _ = wire.receive(keeper)
        except (wire.Closed, OSError) as error:
            raise SandboxError(f"The sandbox cannot be reached at {self.address}: {error}.") from error
        if "unavailable" in reply:
            raise SandboxError(f"Code cannot be held here: {reply['unavailable']}.")
        return Protection(bool(reply["namespaces"]), int(reply["landlock"]), own=self._keeper is not None)

    @property
    def keeper_pid(self) -> int | None:
        """The keeper's process, when this process started it."""
        return self._keeper.pid if self._keeper is not None else None

    @property
    def lost(self) -> bool:
        """Whether nobody listens at the address any more."""
        try:
            self._connect().close()
        except OSError:
            return True
        return False

    def close(self) -> None:
        """End the keeper and all that runs in it, if this process started it."""
        if self._keeper is not None:
            self._keeper.send_signal(signal.SIGTERM)
            self._keeper.wait()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _connect(self) -> socket.socket:
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            keeper.connect(self.address)
        except OSError:
            keeper.close()
            raise
        return keeper


ELSEWHERE = (
    "Code can be held on Linux only; run the agents with docker compose, whose `sandbox` service holds it, "
    "or set SANDBOX_SOCKET."
)

_lock = threading.Lock()
_default: Sandbox | None = None


def run(code: str, inputs: Inputs | None = None, limits: Limits | None = None) -> Result:
    """Run model-written `code` where it can hurt nobody; see Result for what comes back.

    `inputs` (frames, or paths of Parquet files) are variables of the code, beside `pd`, `np` and `plt`; what it
    leaves in `result` is the value, what it draws with matplotlib the figures. Uses this process's sandbox; starts
    one that ends with the process if there is none, or when it was lost.
    Raises SandboxError for inputs that cannot be handed over.
    """
    try:
        sandbox = default()
    except SandboxError as error:
        return Result("unavailable", error=str(error))
    return sandbox.run(code, inputs, limits)


def default(*, warm: bool = False) -> Sandbox:
    """This process's sandbox; forks of the process share it. Raises SandboxError where code cannot be held."""
    global _default
    with _lock:
        if _default is None or _default.lost:
            _default = Sandbox.start(warm=warm)
        return _default


def serve(address: Path) -> NoReturn:
    """Become a keeper that listens at `address`, for workers elsewhere, with the limits of the settings."""
    if sys.platform != "linux":
        raise SandboxError(ELSEWHERE)
    given = _options(_settings(), owner=None, address=str(address), warm=True)
    program = [sys.executable, "-I", "-B", "-c", START, PROJECT, json.dumps(given)]
    os.execve(sys.executable, program, {})


def _settings() -> "SandboxSettings":
    from sandbox.settings import SandboxSettings

    return SandboxSettings()


def _options(
    settings: "SandboxSettings",
    *,
    owner: int | None,
    address: str | None = None,
    warm: bool = False,
    namespaces: bool = True,
) -> dict[str, Any]:
    """What a keeper is started with."""
    from platformdirs import user_cache_path

    return {
        "owner": owner,
        "socket": address,
        "modules": LIBRARIES,
        "namespaces": namespaces,
        "warm": warm,
        "threads": settings.omp_num_threads or len(os.sched_getaffinity(0)),
        "seconds": settings.sandbox_max_execution_time,
        "memory_mb": settings.sandbox_max_memory_mb,
        "font_cache": str(settings.mplconfigdir or user_cache_path("omc") / "fonts"),
    }


def _conclude(reply: dict[str, Any], files: list[int], limits: Limits) -> Result:
    """The keeper's verdict first, then how the process ended, and only then what the code claims."""
    if "unavailable" in reply:
        return Result("unavailable", error=f"Code cannot be held here: {reply['unavailable']}.")
    usage = Usage(**reply["usage"])
    left = collect(files[0])
    status, error = _judge(reply, left, usage, limits)
    finished = status in ("ok", "error")
    return Result(
        status,
        value=left.value if finished else None,
        data=left.data if finished else b"",
        stdout=left.stdout,
        figures=tuple(left.figures) if finished else (),
        error=error,
        usage=usage,
        notes=tuple(left.notes) if finished else (),
    )


def _judge(reply: dict[str, Any], left: Left, usage: Usage, limits: Limits) -> tuple[Status, str | None]:
    if reply["verdict"] is not None:
        return reply["verdict"], reply["why"]
    code = reply["exit"]
    if code == -signal.SIGXCPU:
        return (
            "timeout",
            f"The code used {usage.cpu_seconds:.1f} s of processor time; it may run {limits.seconds:g} s.",
        )
    if code is not None and code < 0:
        if usage.memory_mb > NEARLY * limits.memory_mb:
            return "memory", f"The code used {usage.memory_mb:,.0f} MB; the limit is {limits.memory_mb:,} MB."
        name = signal.Signals(-code).name
        hint = " Does a function call itself without end?" if code == -signal.SIGSEGV else ""
        return "killed", f"The process was ended by {name}.{hint}"
    match left.status:
        case "ok":
            return "ok", None
        case "memory":
            used = f"It used {usage.memory_mb:,.0f} of {limits.memory_mb:,} MB."
            return "memory", f"{left.error or 'MemoryError'}\n{used}"
        case "error":
            return "error", left.error or "The code raised an exception."
    if usage.memory_mb > NEARLY * limits.memory_mb:
        return (
            "memory",
            f"The code used {usage.memory_mb:,.0f} of {limits.memory_mb:,} MB and could not go on.",
        )
    return "error", f"The code ended the process by itself (exit status {code}) and left no readable result."
