"""A terminal as a chat platform: one thread, shown live, with its questions asked at the prompt."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bots.errors import Rejected
from bots.exports import write_files
from bots.platform import (
    Answer,
    Command,
    Conversation,
    File,
    Key,
    Message,
    Opened,
    Pace,
    Place,
    Receipts,
    Speaker,
)
from bots.showing import Handler
from bots.terminal_screens import Screen
from bots.words import words_of


@dataclass(frozen=True)
class Manners:
    """How questions are dealt with: given answers first, then the prompt, then the recommended choice."""

    answers: Sequence[str] = ()
    ask: bool = True


class Terminal:
    """The thread of one run in this terminal.

    `finished` is set when the run's end has been told, when the person left (then `left` is True), or when nobody
    can read on (`is_closed`).
    """

    name = "terminal"
    pace = Pace(edit_seconds=0.0, still_seconds=None)

    def __init__(
        self, screen: Screen, speaker: Speaker, manners: Manners, folder: Callable[[str], Path]
    ) -> None:
        """`folder` says where the files of a run go."""
        self._words = words_of(speaker.language)
        self._screen = screen
        self._speaker = speaker
        self._manners = manners
        self._given = list(manners.answers)
        self._folder = folder
        self._posted: dict[str, Message] = {}
        self._questions: asyncio.Queue[Message] = asyncio.Queue()
        self._settled: dict[str, asyncio.Event] = {}
        self._run = ""
        self.finished = asyncio.Event()
        self.left = False
        self.is_closed = False
        self.files: list[Path] = []
        self.files_missing = ""

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        """This terminal is the thread."""
        return Opened(place.thread or key.text, await self.post(place, message, key))

    async def post(self, place: Place, message: Message, key: Key) -> str:
        if key.text in self._posted:
            return key.text
        self._posted[key.text] = message
        self._run = message.run
        self._show(message)
        if message.kind == "question":
            self._settled[key.text] = asyncio.Event()
            self._questions.put_nowait(message)
        if message.kind in ("finish", "failure"):
            self.finished.set()
        return key.text

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        known = self._posted.get(message_id)
        if known is None:
            raise Rejected("this terminal never showed that message")
        self._posted[message_id] = message
        if message.kind == "card":
            self._show(message)
        elif message.kind == "question" and known != message:
            self._settled[message_id].set()
            for line in message.lines:
                self._screen.say(line)

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        """There is no other place than the thread. Raises Rejected."""
        raise Rejected("a terminal has one thread and no private conversations")

    def _show(self, message: Message) -> None:
        """Raises Rejected when nobody reads this terminal any more: its window or its pipe is closed."""
        try:
            if message.kind == "card":
                self._screen.show_card(message)
            else:
                self._screen.show(message)
        except OSError as error:
            self.is_closed = True
            self.finished.set()
            raise Rejected("nobody reads this terminal any more") from error

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """Write the files into the run's folder; writing them again changes nothing."""
        try:
            self.files = await asyncio.to_thread(write_files, files, self._folder(self._run))
        except Rejected as error:
            self.files_missing = str(error)
            raise

    async def run(self, conversation: Conversation) -> None:
        """Answer questions as they come, and stop the run at Ctrl-C; a second Ctrl-C leaves at once."""
        handle = conversation.handle
        loop = asyncio.get_running_loop()
        stopping: set[asyncio.Task[None]] = set()

        def interrupted() -> None:
            if stopping or not self._run:
                self.left = True
                self.finished.set()
                return
            self._screen.say(self._words("terminal.stopping", run=self._run))
            stopping.add(asyncio.create_task(self._stop(handle)))

        loop.add_signal_handler(signal.SIGINT, interrupted)
        try:
            while True:
                await self._settle(await self._questions.get(), handle)
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _stop(self, handle: Handler) -> None:
        place = Place(self._speaker.workspace, "terminal")
        reply = await handle(Command(self._speaker, place, "cancel", self._run))
        if not reply.ok:
            self._screen.say(reply.text)

    async def _settle(self, question: Message, handle: Handler) -> None:
        """Answer one question, unless somebody else does."""
        message_id = next(key for key, message in self._posted.items() if message is question)
        settled = self._settled[message_id]
        recommended = next((choice.text for choice in question.choices if choice.recommended), "")
        while not settled.is_set():
            by_default = False
            if self._given:
                text = self._given.pop(0)
            elif self._manners.ask:
                typed = await self._prompt(question, recommended, settled)
                if typed is None:
                    return
                text = typed
            else:
                text, by_default = recommended, True
            if not text and not recommended:
                self._screen.say(self._words("terminal.no_answer", run=self._run))
                await self._stop(handle)
                return
            reply = await handle(
                Answer(self._speaker, self._run, text or recommended, question.interrupt_id, by_default)
            )
            if reply.ok:
                return
            self._screen.say(reply.text)
            if by_default:
                return

    async def _prompt(self, question: Message, recommended: str, settled: asyncio.Event) -> str | None:
        """A line typed at the prompt; None when the question was settled elsewhere or the run ended."""
        hint = self._words("terminal.hint_choice" if question.choices else "terminal.hint_free")
        if recommended:
            hint = self._words("terminal.hint_enter", hint=hint, answer=recommended)
        with contextlib.suppress(termios.error):  # what was typed before the question is no answer to it
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
        while True:
            self._screen.ask(self._words("terminal.prompt", hint=hint))
            line = await _read_line(settled, self.finished)
            if line is None:
                self._screen.say("")
                return None
            if line.strip() or recommended:
                return line.strip()


async def _read_line(*unless: asyncio.Event) -> str | None:
    """The next line of the terminal, or None as soon as one of the events is set."""
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        loop.remove_reader(descriptor)
        if not typed.done():
            typed.set_result(os.read(descriptor, 65536).decode("utf-8", "replace"))

    loop.add_reader(descriptor, read)
    waiting = [asyncio.create_task(event.wait()) for event in unless]
    either: list[asyncio.Future[Any]] = [typed, *waiting]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return typed.result() if typed.done() else None
    finally:
        loop.remove_reader(descriptor)
        for task in waiting:
            task.cancel()
