"""A worker of our own, started only when nobody else's is alive, and gone when this process is."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

LONGEST_LOG_BYTES = 5_000_000
# Found by its folder, so that it works installed or not, and a folder named `bots` in the way changes nothing.
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from bots.cli import main; main()"


class WorkerChild:
    """At most one worker process, whose output goes to a log file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How the last worker ended; None while it runs or when there never was one."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start a worker that ends with this process. Call it from the main thread, whose end it watches."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        root = str(Path(__file__).parents[1])
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", PROGRAM, root, "worker", "--parent-pid", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is ours to answer
            )
        self.starts += 1

    def stop(self, *, timeout_seconds: float) -> None:
        """Ask the worker to end, and wait that long at most; it ends a run in good order whatever we do."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_seconds)
