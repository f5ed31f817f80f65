"""The processes that are measured: bots and workers as people start them, which can be killed and started again."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from storage.embedded import Services


class Processes:
    """`omc bot` and `omc worker` on the servers of one measurement."""

    def __init__(self, platform: str, services: Services, home: Path, settings: Mapping[str, str]) -> None:
        self._platform = platform
        self._home = home
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        # Python keeps its bytecode, as it does unless told otherwise; here in a folder of the measurement.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self._env = {
            **kept,
            "PYTHONPYCACHEPREFIX": str(home / "bytecode"),
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "OMC_HOME": str(home),
            "MAX_CONCURRENT_SESSIONS": "10000",
            **settings,
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def bot(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(name, "bot", self._platform)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(name, "worker")

    def run(self, *arguments: str) -> None:
        """Run a command to its end. Raises CalledProcessError."""
        subprocess.run(
            [sys.executable, "-m", "bots.cli", *arguments], env=self._env, check=True, capture_output=True
        )

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.running[name].kill()
        self.running[name].wait()

    def stop(self) -> None:
        """End all of them as an operator would."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()

    def log(self, name: str) -> str:
        return (self._home / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bots.cli", *arguments]
        with (self._home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        return self.running[name]


async def until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Wait until something is true; the measurement ends where it never is."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise SystemExit(f"waited {seconds:.0f} s in vain until {what}") from None


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """The memory a process holds now."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
