"""Doubles for what lies outside: a chat platform, kept in memory and stricter than any real one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bots.errors import PlatformError, Rejected
from bots.platform import (
    LONGEST_TEXT,
    Conversation,
    File,
    Form,
    Heard,
    Key,
    Message,
    Opened,
    Pace,
    Place,
    Platform,
    Receipts,
    Typed,
)

T = TypeVar("T")


@dataclass
class Posted:
    """A message as the people in the thread see it, with every form it has had."""

    message_id: str
    key: str
    forms: list[Message]

    @property
    def now(self) -> Message:
        return self.forms[-1]


@dataclass
class ChatThread:
    """What a thread shows: messages and files, in the order in which they arrived."""

    shown: list[Posted | File] = field(default_factory=list)

    @property
    def messages(self) -> list[Message]:
        return [entry.now for entry in self.shown if isinstance(entry, Posted)]

    @property
    def files(self) -> list[File]:
        return [entry for entry in self.shown if isinstance(entry, File)]

    def kinds(self) -> list[str]:
        """The thread at a glance: kinds of messages, "file" for files."""
        return [entry.now.kind if isinstance(entry, Posted) else "file" for entry in self.shown]

    def forms(self, kind: str) -> list[Message]:
        """Every form that messages of a kind have had."""
        return [
            form
            for entry in self.shown
            if isinstance(entry, Posted) and entry.forms[0].kind == kind
            for form in entry.forms
        ]


class FakeChat:
    """A chat platform in memory.

    It refuses what some real platform refuses (too long, empty, unknown threads and messages) and what our
    contract rules out: two calls at once for one thread, a key that comes again without being in doubt.
    """

    name = "fake"

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace(edit_seconds=0.0, still_seconds=None)
        self.threads: dict[str, ChatThread] = {}
        self.by_key: dict[str, str] = {}
        self.complaints: list[str] = []
        self.told: list[str] = []
        self.unreachable: set[str] = set()  # people who take no private messages
        self.forms: list[Form] = []
        self.home = ""
        self.reactions: dict[str, list[str]] = {}
        self._busy: set[str] = set()

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        if place.thread:
            self._complain("a thread was opened inside a thread")
        if key.in_doubt and key.text in self.by_key:
            return Opened(f"thread-{self.by_key[key.text]}", self.by_key[key.text])
        self._check(message, key)
        message_id = f"m{len(self.by_key) + 1}"
        thread = ChatThread([Posted(message_id, key.text, [message])])
        self.threads[f"thread-{message_id}"] = thread
        self.by_key[key.text] = message_id
        return Opened(f"thread-{message_id}", message_id)

    async def post(self, place: Place, message: Message, key: Key) -> str:
        async with Alone(self, place):
            if key.in_doubt and key.text in self.by_key:
                return self.by_key[key.text]
            self._check(message, key)
            message_id = f"m{len(self.by_key) + 1}"
            self._thread(place).shown.append(Posted(message_id, key.text, [message]))
            self.by_key[key.text] = message_id
            return message_id

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        async with Alone(self, place):
            self._check_text(message)
            for entry in self._thread(place).shown:
                if isinstance(entry, Posted) and entry.message_id == message_id:
                    entry.forms.append(message)
                    return
            raise Rejected(f"there is no message {message_id}")

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        if person in self.unreachable:
            raise Rejected(f"{person} takes no private messages")
        if not (key.in_doubt and key.text in self.by_key):
            self._check(message, key)
            self.by_key[key.text] = f"m{len(self.by_key) + 1}"
            self.told.append(message.text())
        return self.by_key[key.text]

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """In two steps, as Slack does it: reserve an id for each file, then show them all at once."""
        async with Alone(self, place):
            if receipts.known.get("reserved") and f"files {key.text}" in self.by_key:
                return
            await receipts.put("reserved", f"file-of-{key.text}")
            if f"files {key.text}" in self.by_key:
                self._complain("files were uploaded twice")
            self.by_key[f"files {key.text}"] = "files"
            self._thread(place).shown.extend(files)

    async def run(self, conversation: Conversation) -> None:
        await asyncio.Event().wait()

    async def hear(self, conversation: Conversation, heard: Heard) -> None:
        """Somebody acts: hand it on and do what the reply says."""
        reply = await conversation.handle(heard)
        if reply.text or reply.message:
            self.told.append(reply.plain())
        if reply.later is not None:
            self.told.append((await reply.later()).plain())
        if reply.form is not None:
            self.forms.append(reply.form)
        if reply.home is not None:
            self.home = reply.home.text()
        if reply.reaction and isinstance(heard, Typed):
            self.reactions.setdefault(heard.key, []).append(reply.reaction)

    def _thread(self, place: Place) -> ChatThread:
        if place.thread not in self.threads:
            raise Rejected(f"there is no thread {place.thread!r}")
        return self.threads[place.thread]

    def _check(self, message: Message, key: Key) -> None:
        self._check_text(message)
        if len(key.text) > 25 or not key.text.isalnum():
            self._complain(f"{key.text!r} cannot be a key")
        if key.text in self.by_key:
            self._complain(f"key {key.text} came again and was not in doubt")

    def _check_text(self, message: Message) -> None:
        if not message.text().strip():
            raise Rejected("a message must not be empty")
        if len(message.text()) > LONGEST_TEXT:
            raise Rejected(f"a message of {len(message.text())} characters is too long")

    def _complain(self, what: str) -> None:
        self.complaints.append(what)


class Alone:
    """Notices two calls at once for one thread."""

    def __init__(self, chat: FakeChat, place: Place) -> None:
        self._chat = chat
        self._thread = place.thread

    async def __aenter__(self) -> None:
        if self._thread in self._chat._busy:
            self._chat._complain(f"two calls at once for {self._thread}")
        self._chat._busy.add(self._thread)
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        self._chat._busy.discard(self._thread)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a call: before it has any effect, or after (the answer is lost)."""

    error: PlatformError | Exception
    after: bool = False


class Faulty:
    """Any platform, with faults: the next calls of a method fail in the order in which they were ordered."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.name = platform.name
        self.pace = platform.pace
        self._faults: dict[str, list[Fault | None]] = {}
        self.calls: list[str] = []
        self.hooks: dict[str, Callable[[], Awaitable[None]]] = {}

    def fail(self, method: str, *faults: Fault | None) -> None:
        """Order faults for the next calls of a method; None lets one pass."""
        self._faults.setdefault(method, []).extend(faults)

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        return await self._do("open_thread", self._platform.open_thread(place, message, key))

    async def post(self, place: Place, message: Message, key: Key) -> str:
        return await self._do("post", self._platform.post(place, message, key))

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        await self._do("edit", self._platform.edit(place, message_id, message))

    async def tell_alone(self, workspace: str, person: str, message: Message, key: Key) -> str:
        return await self._do("tell_alone", self._platform.tell_alone(workspace, person, message, key))

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        await self._do("upload", self._platform.upload(place, files, key, receipts))

    async def run(self, conversation: Conversation) -> None:
        await self._platform.run(conversation)

    async def _do(self, method: str, call: Coroutine[Any, Any, T]) -> T:
        self.calls.append(method)
        faults = self._faults.get(method)
        fault = faults.pop(0) if faults else None
        if fault is not None and not fault.after:
            call.close()
            raise fault.error
        done = await call
        if method in self.hooks:
            await self.hooks.pop(method)()
        if fault is not None:
            raise fault.error
        return done


@dataclass
class Notes:
    """Receipts kept in memory."""

    kept: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[str, str]:
        return self.kept

    async def put(self, part: str, value: str) -> None:
        self.kept[part] = value
