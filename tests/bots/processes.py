"""Bots as real processes: started, killed, ended, and their logs."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from storage.database import Database
from storage.models import AnalysisSession
from tests.bots.stories import Story

# What a bot process must never load.
FOREIGN = (
    "engine", "sandbox", "langgraph", "langchain", "pandas", "numpy", "pyarrow", "sklearn", "alembic",
)  # fmt: skip
MOST_RESIDENT_KB = 120 * 1024


class Bots:
    """`omc bot PLATFORM` as processes."""

    def __init__(self, platform: str, home: Path, settings: Mapping[str, str]) -> None:
        self._platform = platform
        self._home = home
        kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        self._env = {**kept, "OMC_HOME": str(home), **settings}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *flags: str) -> subprocess.Popen[bytes]:
        log = (self._home / f"bot-{len(self.running)}.log").open("ab")
        command = [sys.executable, *flags, "-m", "bots.cli", "bot", self._platform]
        process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        log.close()
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self._home.glob("bot-*.log")))

    def loaded(self) -> set[str]:
        """The modules that a process started with `-X importtime` has loaded."""
        lines = self.logs().splitlines()
        return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


@asynccontextmanager
async def bots_on(platform: str, home: Path, settings: Mapping[str, str]) -> AsyncIterator[Bots]:
    """Bots that are ended with the block."""
    bots = Bots(platform, home, settings)
    try:
        yield bots
    finally:
        for process in bots.running:
            if process.poll() is None:
                process.terminate()
        for process in bots.running:
            try:
                await asyncio.to_thread(process.wait, 20)
            except subprocess.TimeoutExpired:
                bots.kill(process)


async def until(condition: Callable[[], Any], what: str, bots: Bots, *, seconds: float = 60) -> None:
    """Wait until something is true; with the bots' logs when it never is."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain until {what}\n{bots.logs()}") from None


def story_of(database: Database, number: int) -> Story | None:
    """The session with that number, to be told on by the test."""
    with database.begin() as db:
        row = db.query(AnalysisSession).filter_by(number=number).one_or_none()
        return Story(database, row.id, row.number) if row else None


def resident_kb(process: subprocess.Popen[bytes]) -> int:
    """The memory a process holds."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[0])
