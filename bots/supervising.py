"""Processes kept alive together: started, listened to, started again when they end by accident, ended in good order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Found by its folder, so that it works installed or not; asked to end by the kernel when the supervisor dies.
PROGRAM = (
    "import signal, sys; sys.path.append(sys.argv.pop(1)); from jobs.process import die_with_parent; "
    "die_with_parent(int(sys.argv.pop(1)), signal.SIGTERM) or sys.exit(0); from bots.cli import main; main()"
)
LOOK_SECONDS = 0.1
# A process that lived so long was well: its next end counts as the first.
WELL_SECONDS = 20.0
MOST_EARLY_ENDS = 3
LONGEST_PAUSE_SECONDS = 30.0
# Longer than a worker takes to hand its run back, shorter than people wait.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Part:
    """One process: what it is called, and its `omc` command."""

    name: str
    command: tuple[str, ...]


@dataclass
class _Child:
    part: Part
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    early_ends: int = 0
    again_at: float = 0.0
    listeners: list[threading.Thread] = field(default_factory=list)


class Supervisor:
    """Runs its parts until this process is told to end. `say` gets each line that they print, behind their name."""

    def __init__(self, parts: Sequence[Part], say: Callable[[str], None]) -> None:
        self._children = [_Child(part) for part in parts]
        self._say = say
        self._width = max(len(part.name) for part in parts)
        self._told = 0
        self._voice = threading.Lock()

    def run(self) -> str | None:
        """Keep everything alive until SIGINT or SIGTERM; the name of the part that would not stay, if that ended it.

        Call it from the main thread: the processes die with it, however it ends.
        """
        before = {
            number: signal.signal(number, self._asked_to_stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            worn_out = self._keep()
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)
        return worn_out

    def _asked_to_stop(self, number: int, frame: object) -> None:
        self._told += 1

    def _keep(self) -> str | None:
        while not self._told:
            now = time.monotonic()
            for child in self._children:
                if child.process is None and now >= child.again_at:
                    self._start(child)
                elif child.process is not None and child.process.poll() is not None:
                    if self._ended(child, now):
                        return child.part.name
            time.sleep(LOOK_SECONDS)
        return None

    def _start(self, child: _Child) -> None:
        root = str(Path(__file__).parents[1])
        child.process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROGRAM, root, str(os.getpid()), *child.part.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # the terminal's Ctrl-C is ours to answer
        )
        child.started = time.monotonic()
        listener = threading.Thread(target=self._listen, args=(child.part.name, child.process), daemon=True)
        listener.start()
        child.listeners.append(listener)

    def _ended(self, child: _Child, now: float) -> bool:
        """What follows from the end of a process: a pause and another start; True when it has ended too often."""
        assert child.process is not None
        status, lived = child.process.returncode, now - child.started
        child.early_ends = 1 if lived >= WELL_SECONDS else child.early_ends + 1
        child.process = None
        if child.early_ends >= MOST_EARLY_ENDS:
            self._tell(child.part.name, f"ended (status {status})")
            return True
        pause = min(2.0 ** (child.early_ends - 1), LONGEST_PAUSE_SECONDS)
        child.again_at = now + pause
        self._tell(child.part.name, f"ended (status {status}); starting it again in {pause:.0f} s")
        return False

    def _end(self) -> None:
        """Ask all to end, wait for them, and kill what will not; being told once more kills at once."""
        told = self._told
        living = [child.process for child in self._children if child.process is not None]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(process.poll() is None for process in living):
            if time.monotonic() > deadline or self._told > max(told, 1):
                for process in living:
                    process.kill()
                break
            time.sleep(LOOK_SECONDS)
        for process in living:
            process.wait()
        for child in self._children:
            for listener in child.listeners:
                listener.join(1.0)

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._tell(name, line.rstrip("\n"))

    def _tell(self, name: str, line: str) -> None:
        with self._voice:
            self._say(f"{name.ljust(self._width)} | {line}")
