"""What people are shown, as plain values free of any platform's markup: messages, forms, pages, replies.

No text in here is markup: an adapter escapes all of it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from bots.hearing import ActionName, Heard
from bots.text import duration

MessageKind = Literal["root", "card", "question", "notice", "finish", "failure"]
# The narrowest platform takes 2,000 characters, and a mention and its own markup come on top.
LONGEST_TEXT = 1_900


@dataclass(frozen=True)
class Choice:
    """One of the answers that a question offers."""

    text: str
    recommended: bool = False


@dataclass(frozen=True)
class Action:
    """A button. `label` has at most 75 characters; `value` is kept short (see `hearing.pack`).

    `confirm` is a sentence to be agreed to first, where the platform can ask.
    """

    name: ActionName
    label: str
    value: str = ""
    style: Literal["", "primary", "danger"] = ""
    confirm: str = ""


@dataclass(frozen=True)
class StageLine:
    """One line of the card: a mark and a word that says the same, so that colour is never needed."""

    mark: str
    name: str
    word: str
    detail: str = ""
    seconds: float | None = None
    since: datetime | None = None  # set while it runs
    figures: Callable[[str], str] = str  # how the reader's language writes a number

    def text(self, now: datetime | None = None) -> str:
        seconds = (now - self.since).total_seconds() if now and self.since else self.seconds
        took = "" if seconds is None else f" ({self.figures(duration(seconds))})"
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
class Plot:
    """A bar chart a platform may draw itself; the pictures among the files say the same. `unit` ends each value."""

    title: str
    unit: str
    bars: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Message:
    """One message, free of any platform's markup. At most LONGEST_TEXT characters as plain text.

    `strong` is the beginning of the headline that stands in bold. `mention` is the person who must be called
    (their external id); everything else is posted in silence. `deadline` ends the sentence `deadline_words`,
    written as the platform writes a time. `ended` is True on the card of a run that is over. `charts` are names of
    pictures that stand in the thread already.
    """

    kind: MessageKind
    run: str
    headline: str
    strong: str = ""
    lines: tuple[str, ...] = ()
    stages: tuple[StageLine, ...] = ()
    table: Table | None = None
    plot: Plot | None = None
    choices: tuple[Choice, ...] = ()
    recommended_word: str = "recommended"
    deadline_words: str = ""
    deadline: datetime | None = None
    minute: str = "%Y-%m-%d %H:%M"  # how the deadline is written where the platform writes no times itself
    footer: str = ""
    since: datetime | None = (
        None  # when an unfinished run began, for where the time can be shown as it goes by
    )
    mention: str | None = None
    charts: tuple[str, ...] = ()
    interrupt_id: str | None = None
    actions: tuple[Action, ...] = ()
    state: Literal["", "working", "waiting", "ended"] = ""
    figures: Callable[[str], str] = str  # how the reader's language writes a number

    def text(self, now: datetime | None = None) -> str:
        """All of it as plain text; with `now`, running stages say for how long."""
        parts = [self.headline, *(line.text(now) for line in self.stages), *self.lines]
        parts += [f"{number}. {self.choice_label(choice)}" for number, choice in enumerate(self.choices, 1)]
        if self.deadline_words and self.deadline:
            parts.append(f"{self.deadline_words} {self.deadline.astimezone(UTC):{self.minute}} UTC.")
        if self.table is not None:
            parts += ["```", self.table.text(), "```", *([self.table.note] if self.table.note else [])]
        if self.footer:
            parts.append(self.footer)
        return "\n".join(parts)

    def choice_label(self, choice: Choice) -> str:
        return f"{choice.text} ({self.recommended_word})" if choice.recommended else choice.text

    def without_actions(self) -> "Message":
        return replace(self, actions=())


@dataclass(frozen=True)
class Field:
    """One field of a form. `options` makes it a choice of one among up to 25 (value, label)."""

    name: str
    label: str
    kind: Literal["line", "lines", "choice"] = "line"
    value: str = ""
    placeholder: str = ""
    hint: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    longest: int = 200


@dataclass(frozen=True)
class Form:
    """A form of at most five fields (Discord's limit). Title at most 24 characters, labels at most 45."""

    name: str
    title: str
    fields: tuple[Field, ...]
    submit: str
    cancel: str
    context: str = ""


@dataclass(frozen=True)
class HomeSection:
    """A heading, lines of text, and for each line the buttons beside it."""

    title: str
    lines: tuple[str, ...]
    actions: tuple[tuple[str, Action], ...] = ()  # (run, button)


@dataclass(frozen=True)
class Home:
    """The bot's own page for one person."""

    sections: tuple[HomeSection, ...]

    def text(self) -> str:
        return "\n\n".join("\n".join((section.title, *section.lines)) for section in self.sections)


@dataclass(frozen=True)
class Reply:
    """What whoever acted gets back at once. With nothing in it, nothing is said.

    Text and message go to them alone, unless `shared`: then everybody in the place may read it. `ok` is False when
    nothing was done. `form` is opened, `home` replaces their page, `reaction` is put under their message. `fixed`
    text is laid out for a fixed-width font. `later` is what takes longer than a platform waits: the adapter awaits it
    once it has acknowledged the act, and gives the reply that comes of it in the same way.
    """

    text: str = ""
    ok: bool = True
    run: str | None = None
    message: Message | None = None
    shared: bool = False
    fixed: bool = False
    form: Form | None = None
    home: Home | None = None
    reaction: Literal["", "kept", "done", "refused"] = ""
    later: Callable[[], Awaitable["Reply"]] | None = None

    def plain(self) -> str:
        """All that is said in it as plain text."""
        parts = (
            self.text,
            self.message.text() if self.message else "",
            self.home.text() if self.home else "",
        )
        return "\n".join(part for part in parts if part)


Handler = Callable[[Heard], Awaitable[Reply]]


@dataclass(frozen=True)
class File:
    """A file for the thread. `alt` describes a picture to whoever does not see it."""

    name: str
    media_type: str
    content: bytes
    alt: str = ""
