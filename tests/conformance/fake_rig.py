"""The in-memory chat platform and the terminal, as rigs."""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bots.platform import (
    Command,
    Dropped,
    Heard,
    HomeOpened,
    Place,
    Press,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
)
from bots.terminal import Manners, Terminal
from bots.terminal_screens import PlainScreen
from tests.conformance.rigs import ChatRig, Recorder, Rig, Seen
from tests.fakes import FakeChat, Posted

ANN = Speaker("fake", "acme", "U-ann", "Ann")


@dataclass
class FakeRig:
    platform: FakeChat
    conversation: Recorder
    ann: str = ANN.external_id
    place: Place = field(default_factory=lambda: Place("acme", "research"))
    _last: Heard | None = None
    _count: int = 0

    async def look(self, place: Place) -> Sequence[Seen]:
        return [
            Seen(
                entry.message_id,
                entry.now.text(),
                (entry.now.mention,) if entry.now.mention else (),
                (
                    *(entry.now.choice_label(choice) for choice in entry.now.choices),
                    *(action.label for action in entry.now.actions),
                ),
            )
            if isinstance(entry, Posted)
            else Seen("", "", files=(entry.name,), alts=(entry.alt,))
            for entry in self.platform.threads[place.thread].shown
        ]

    async def told(self) -> Sequence[str]:
        return self.platform.told

    async def command(self, text: str) -> None:
        await self._hear(Command(ANN, self.place, "", text, key=self._key()))

    async def type(self, place: Place, text: str) -> str:
        typed = Typed(ANN, place, text, self._key())
        await self._hear(typed)
        return typed.key

    async def rewrite(self, place: Place, message_id: str, text: str | None) -> None:
        await self._hear(Rewritten(ANN, place, message_id, text))

    async def press(self, place: Place, message_id: str, label: str) -> None:
        thread = self.platform.threads[place.thread]
        message = next(e.now for e in thread.shown if isinstance(e, Posted) and e.message_id == message_id)
        for number, choice in enumerate(message.choices):
            if message.choice_label(choice) == label:
                value = f"{message.interrupt_id}:{number}"
                await self._hear(Press(ANN, place, "choose", message.run, value, self._key()))
                return
        action = next(action for action in message.actions if action.label == label)
        await self._hear(Press(ANN, place, action.name, message.run, action.value, self._key()))

    async def fill(self, values: Mapping[str, str]) -> None:
        form = self.platform.forms.pop()
        filled = {field.name: values.get(field.name, field.value) for field in form.fields}
        await self._hear(Submitted(ANN, self.place, form.name, filled, form.context, self._key()))

    async def drop(self, place: Place, name: str, content: bytes) -> None:
        async def fetch() -> bytes:
            return content

        await self._hear(Dropped(ANN, place, name, len(content), fetch, self._key()))

    async def open_home(self) -> str:
        await self._hear(HomeOpened(ANN, self.place))
        return self.platform.home

    async def reactions(self, message_id: str) -> Sequence[str]:
        return self.platform.reactions.get(message_id, [])

    async def repeat(self) -> None:
        assert self._last is not None
        await self._hear(self._last)

    async def _hear(self, heard: Heard) -> None:
        self._last = heard
        await self.platform.hear(self.conversation, heard)

    def _key(self) -> str:
        self._count += 1
        return f"k{self._count}"


@asynccontextmanager
async def fake_rig(conversation: Recorder) -> AsyncIterator[ChatRig]:
    rig = FakeRig(FakeChat(), conversation)
    yield rig
    assert rig.platform.complaints == []


@dataclass
class TerminalRig:
    """A terminal shows one thread and has no buttons: what it hears is tested with `omc analyze`."""

    platform: Terminal
    stream: io.StringIO
    ann: str = "ann"
    place: Place = field(default_factory=lambda: Place("local", "terminal"))

    async def look(self, place: Place) -> Sequence[Seen]:
        shown = self.stream.getvalue()
        files = tuple(sorted(path.name for path in self.platform.files))
        return [Seen("", shown, files=files)] if shown or files else []


@asynccontextmanager
async def terminal_rig(conversation: Recorder) -> AsyncIterator[Rig]:
    stream = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        terminal = Terminal(
            PlainScreen(stream),
            Speaker("terminal", "local", "ann", "ann"),
            Manners(ask=False),
            lambda run: Path(folder) / run,
        )
        listening = asyncio.create_task(terminal.run(conversation))
        try:
            yield TerminalRig(terminal, stream)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
