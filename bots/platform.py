"""The contract with a chat platform: what comes in, what goes out, and what an adapter must do.

An adapter translates and nothing more. What comes in becomes a `Command` or an `Answer`, for which the handler
it is given returns a `Reply`. What goes out are `Message` values, posted, edited and found again by key.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Protocol

from bots.text import duration

MessageKind = Literal["root", "card", "question", "notice", "finish", "failure"]


@dataclass(frozen=True)
class Speaker:
    """Who speaks, as the platform knows them."""

    platform: str
    workspace: str
    external_id: str
    display_name: str


@dataclass(frozen=True)
class Place:
    """Where something is said. `thread` is empty outside threads."""

    workspace: str
    channel: str
    thread: str = ""


@dataclass(frozen=True)
class Command:
    """Somebody asks the system to do something: `name` is "analyze", "status", "cancel" ..."""

    speaker: Speaker
    place: Place
    name: str
    text: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """Somebody answers the question of a run; `by_default` when nobody was there to be asked."""

    speaker: Speaker
    run: str
    text: str
    interrupt_id: str | None = None
    by_default: bool = False


@dataclass(frozen=True)
class Reply:
    """What to say to whoever spoke, only to them. `ok` is False when nothing was done."""

    text: str
    ok: bool = True
    run: str | None = None


Handler = Callable[[Command | Answer], Awaitable[Reply]]


@dataclass(frozen=True)
class Choice:
    """One of the answers that a question offers."""

    text: str
    recommended: bool = False


@dataclass(frozen=True)
class StageLine:
    """One line of the card: a mark and a word that says the same, so that colour is never needed."""

    mark: str
    name: str
    word: str
    detail: str = ""
    seconds: float | None = None
    since: datetime | None = None  # set while it runs

    def text(self, now: datetime | None = None) -> str:
        seconds = (now - self.since).total_seconds() if now and self.since else self.seconds
        took = "" if seconds is None else f" ({duration(seconds)})"
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.mark} {self.name} {self.word}{took}{detail}"


@dataclass(frozen=True)
class Table:
    """A small table; cells are ready to be shown. `marked` is the row that the message speaks of."""

    columns: tuple[str, ...]
    right: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: int | None = None
    note: str = ""

    def text(self) -> str:
        """Aligned lines for a fixed-width font."""
        lines = (self.columns, *self.rows)
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        marks = [" ", *(">" if at == self.marked else " " for at in range(len(self.rows)))]
        return "\n".join(
            f"{mark} "
            + " ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, self.right, strict=True)
            ).rstrip()
            for mark, line in zip(marks, lines, strict=True)
        )


@dataclass(frozen=True)
class Message:
    """One message, free of any platform's markup. At most LONGEST_TEXT characters as plain text.

    `strong` is the beginning of the headline that stands in bold. `mention` is the person who must be called
    (their external id); everything else is posted in silence. `deadline` ends the sentence `deadline_words`,
    written as the platform writes a time.
    """

    kind: MessageKind
    run: str
    headline: str
    strong: str = ""
    lines: tuple[str, ...] = ()
    stages: tuple[StageLine, ...] = ()
    table: Table | None = None
    choices: tuple[Choice, ...] = ()
    deadline_words: str = ""
    deadline: datetime | None = None
    footer: str = ""
    mention: str | None = None
    charts: tuple[str, ...] = ()
    interrupt_id: str | None = None

    def text(self, now: datetime | None = None) -> str:
        """All of it as plain text; with `now`, running stages say for how long."""
        parts = [self.headline, *(line.text(now) for line in self.stages), *self.lines]
        parts += [
            f"{number}. {choice.text}{' (recommended)' if choice.recommended else ''}"
            for number, choice in enumerate(self.choices, 1)
        ]
        if self.deadline_words and self.deadline:
            parts.append(f"{self.deadline_words} {self.deadline.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
        if self.table is not None:
            parts += ["```", self.table.text(), "```", *([self.table.note] if self.table.note else [])]
        if self.footer:
            parts.append(self.footer)
        return "\n".join(parts)


# The narrowest platform takes 2,000 characters, and a mention and its own markup come on top.
LONGEST_TEXT = 1_900


@dataclass(frozen=True)
class File:
    """A file for the thread. `alt` describes a picture to whoever does not see it."""

    name: str
    media_type: str
    content: bytes
    alt: str = ""


@dataclass(frozen=True)
class Key:
    """What tells a repeated delivery from a new one: at most 25 letters and digits.

    `in_doubt` is True when an earlier attempt with this key may have arrived: look before doing it again.
    """

    text: str
    in_doubt: bool = False


class Receipts(Protocol):
    """What an adapter has to remember in the middle of an upload, kept in the event's row."""

    @property
    def known(self) -> Mapping[str, str]:
        """What earlier attempts wrote down."""

    async def put(self, part: str, value: str) -> None:
        """Write something down; it is safe when this returns."""


@dataclass(frozen=True)
class Opened:
    """A thread that was opened and the message it hangs from."""

    thread: str
    message_id: str


@dataclass(frozen=True)
class Pace:
    """How often a card may be edited, and how long it may stand still while a run is at work (None: for ever)."""

    edit_seconds: float = 3.0
    still_seconds: float | None = 28.0


class Platform(Protocol):
    """A chat platform. Every method may raise TryLater (an outage, a rate limit) and Rejected (it never will).

    Nothing here is called twice at once for one session. A message that was posted with a key is not posted
    again when the same key comes back in doubt; what was posted then is returned.
    """

    @property
    def name(self) -> str:
        """As it stands in the rows: "slack", "discord", "terminal"."""

    @property
    def pace(self) -> Pace:
        """How often cards are edited."""

    async def open_thread(self, place: Place, message: Message, key: Key) -> Opened:
        """Post the root message in a channel and open a thread under it."""

    async def post(self, place: Place, message: Message, key: Key) -> str:
        """Post a message in a thread; returns its id."""

    async def edit(self, place: Place, message_id: str, message: Message) -> None:
        """Replace a message."""

    async def upload(self, place: Place, files: Sequence[File], key: Key, receipts: Receipts) -> None:
        """Put files into a thread, all of them or none."""

    async def run(self, handle: Handler) -> None:
        """Listen to people until cancelled, handing what they say to `handle`."""
