"""A run in this terminal: the rows, a worker to do it, the delivery that tells it, and how it ended."""

import asyncio
import contextlib
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bots import commands
from bots.composition import House, words_here
from bots.conversation import CoreConversation
from bots.delivery import Delivery
from bots.errors import Refusal
from bots.platform import Command
from bots.terminal import Manners, Terminal
from bots.terminal_screens import Screen, open_screen
from bots.worker_child import WorkerChild
from jobs.sweeper import run_sweeper
from storage import presence, sessions
from storage.artifacts import ArtifactStore

LOOK_SECONDS = 1.0
MOST_WORKERS = 4


@dataclass(frozen=True)
class Ended:
    """How a run ended, as far as this terminal knows."""

    status: str
    left: bool = False
    no_data: bool = False
    problem: str = ""
    metrics: str | None = None


class LiveSession:
    """One `omc analyze`."""

    def __init__(
        self, house: House, *, stream: TextIO, manners: Manners, folder: Callable[[str], Path]
    ) -> None:
        self.thread = uuid.uuid4().hex
        self._house = house
        self._manners = manners
        self._folder = folder
        self._screen: Screen = open_screen(stream)
        self._worker = WorkerChild(house.services.home / "logs" / "worker.log")
        self._gave_up = ""
        self._words = words_here()
        self._conversation = CoreConversation(house.backend, Terminal.name, threads=2)

    async def run(self, command: Command) -> Ended:
        """Start the run and stay with it to its end. Raises Refusal when it cannot be started."""
        terminal = Terminal(self._screen, command.speaker, self._manners, self._folder)
        stop_sweeping = threading.Event()
        sweeper = threading.Thread(
            target=run_sweeper, args=(self._house.services, stop_sweeping), daemon=True, name="sweeper"
        )
        tasks: list[asyncio.Task[None]] = []
        try:
            reply = await asyncio.to_thread(commands.handle, self._house.backend, command)
            if not reply.ok or reply.run is None:
                raise Refusal(reply.text)
            sweeper.start()
            delivery = Delivery(
                self._house.database,
                terminal,
                self._house.store,
                thread=self.thread,
                restore=self._house.services.ensure,
            )
            tasks = [
                asyncio.create_task(delivery.run()),
                asyncio.create_task(terminal.run(self._conversation)),
                asyncio.create_task(self._keep_worker(terminal)),
            ]
            finished = asyncio.create_task(terminal.finished.wait())
            await asyncio.wait([*tasks, finished], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            if terminal.is_closed:
                # As if killed: the run stays, and the next worker goes on with it.
                raise BrokenPipeError
            return await asyncio.to_thread(self._end, reply.run, terminal)
        finally:
            for task in tasks:
                task.cancel()
            if terminal.left:  # nothing is waited for
                tasks = []
            await asyncio.gather(*tasks, return_exceptions=True)
            self._conversation.close()
            self._screen.close()
            stop_sweeping.set()
            self._worker.stop(timeout_seconds=0.0 if terminal.left else 2.0)

    async def _keep_worker(self, terminal: Terminal) -> None:
        """See to it that some worker lives: ours, if there is no other."""
        while True:
            if not self._worker.runs and not await asyncio.to_thread(self._others_work):
                if self._worker.starts:
                    said = self._words(
                        "terminal.worker_ended", status=self._worker.exit_status, log=self._worker.log
                    )
                    self._screen.say(said)
                if self._worker.starts == MOST_WORKERS:
                    self._gave_up = self._words("terminal.gave_up", n=MOST_WORKERS, log=self._worker.log)
                    terminal.finished.set()
                    return
                self._worker.start()
            await asyncio.sleep(LOOK_SECONDS)

    def _others_work(self) -> bool:
        with contextlib.suppress(Exception):  # the database is away: not the time to start workers
            return presence.worker_alive(self._house.database)
        return True

    def _end(self, run: str, terminal: Terminal) -> Ended:
        with self._house.database.begin() as db:
            row = sessions.find(db, run)
            facts = commands.facts_of(db, row.id)
        if self._gave_up:
            return Ended(row.status, problem=self._gave_up)
        if terminal.left:
            return Ended(row.status, left=True)
        last = next((fact for fact in reversed(facts) if fact.kind in sessions.TERMINAL), None)
        problem = ""
        if terminal.files_missing:
            problem = self._words("terminal.files_missing", why=terminal.files_missing, run=run)
        elif terminal.files:
            names = ", ".join(sorted({file.name for file in terminal.files if file.suffix != ".png"}))
            self._screen.say(self._words("terminal.files", folder=self._folder(run), names=names))
        return Ended(
            status=row.status,
            no_data=row.status == "failed" and last is not None and bool(last.payload.get("no_data")),
            problem=problem,
            metrics=read_metrics(self._house.store, (last.payload.get("files") or ()) if last else ()),
        )


def read_metrics(store: ArtifactStore, files: Sequence[Mapping[str, str]]) -> str | None:
    """The text of a run's metrics.json; None when it has none."""
    named = next((file for file in files if file.get("name") == "metrics.json"), None)
    if named is None:
        return None
    return store.read(named["sha256"]).decode()
