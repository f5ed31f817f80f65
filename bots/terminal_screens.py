"""Two ways to show a thread in a terminal: a card redrawn in place, or plain lines of what is new."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from bots.platform import Message
from bots.text import clean, duration, unfenced

MARK_STYLES = {"▸": "blue", "✓": "green", "?": "yellow", "✗": "red", "■": "dim"}
COUNT = re.compile(r"\d+/\d+$")
WAITING = "?"
STRONG = {"finish": "bold", "failure": "bold red", "question": "bold yellow"}


class Screen(Protocol):
    """Where a thread is shown."""

    def show(self, message: Message) -> None:
        """A message of its own, below everything before it."""

    def show_card(self, card: Message) -> None:
        """The card, as it is now."""

    def say(self, line: str) -> None:
        """One line that is no message: from the program itself."""

    def ask(self, words: str) -> None:
        """Show `words` and leave the cursor behind them for an answer."""

    def close(self) -> None:
        """Leave everything as it stands."""


class PlainScreen:
    """Plain lines for files, pipes and dumb terminals: each fact once, no control characters."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown: dict[str, str] = {}
        self._headline = ""

    def show(self, message: Message) -> None:
        if message.kind == "root":
            self._headline = message.text()
        gap = message.kind in ("question", "finish", "failure")
        self._write(("\n" if gap else "") + local_text(message))

    def show_card(self, card: Message) -> None:
        for line in card.lines:
            if self._is_new(f"line {line}", line):
                self._write(f"  {line}")
        for stage in card.stages:
            # How long a stage has been running is no fact worth a line, nor is every step of the same work.
            line = replace(stage, since=None).text()
            if self._is_new(f"stage {stage.name}", COUNT.sub("", line)):
                self._write(f"  {line}")

    def say(self, line: str) -> None:
        self._write(line)

    def ask(self, words: str) -> None:
        self._stream.write(clean(words))
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _is_new(self, about: str, line: str) -> bool:
        known = self._shown.get(about)
        self._shown[about] = line
        return known != line

    def _write(self, text: str) -> None:
        self._stream.write(clean(text) + "\n")
        self._stream.flush()


class LiveScreen:
    """A terminal: the card stays at the bottom and is redrawn in place, everything else scrolls above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._card: Message | None = None
        self._live: Live | None = None

    def show(self, message: Message) -> None:
        if message.kind in ("question", "finish", "failure"):
            self._stop(keep=message.kind != "question")
            self._console.print()
        self._console.print(_styled(message))

    def show_card(self, card: Message) -> None:
        self._card = card
        if any(stage.mark == WAITING for stage in card.stages):
            self._stop(keep=False)  # the prompt has the terminal
        elif self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self._draw,
                refresh_per_second=4,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        if self._live is not None:
            self._live.refresh()

    def say(self, line: str) -> None:
        self._console.print(Text(clean(line), style="dim"))

    def ask(self, words: str) -> None:
        self._stop(keep=False)
        self._console.print(Text(clean(words), style="bold"), end="")

    def close(self) -> None:
        self._stop(keep=True)

    def _stop(self, *, keep: bool) -> None:
        """End the redrawing; the card disappears, or stays where it is as it is now."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            if keep:
                self._console.print(self._draw())

    def _draw(self) -> RenderableType:
        card, now = self._card, datetime.now(UTC)
        if card is None:
            return Text("")
        lines = [_fact(stage.text(now), MARK_STYLES.get(stage.mark, "")) for stage in card.stages]
        lines += [_fact(line, "dim") for line in card.lines]
        elapsed = card.figures(duration((now - card.since).total_seconds())) if card.since else card.footer
        if elapsed:
            lines.append(_fact(f"{card.headline} · {elapsed}", "dim"))
        return Group(*lines)


def open_screen(stream: TextIO) -> Screen:
    """The screen that suits `stream`."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal and stream.isatty():
        return LiveScreen(console)
    return PlainScreen(stream)


def local_text(message: Message) -> str:
    """A message as plain text, its times in the zone of this machine."""
    text = unfenced(message.text())
    if message.deadline is None:
        return text
    return "\n".join(
        f"{message.deadline_words} {local_time(message.deadline)}."
        if message.deadline_words and line.startswith(message.deadline_words)
        else line
        for line in text.split("\n")
    )


def local_time(moment: datetime) -> str:
    """A moment as the person at this machine reads it: "14:05 CET" today, else with its date."""
    here, today = moment.astimezone(), datetime.now(UTC).astimezone().date()
    return f"{here:%H:%M %Z}" if here.date() == today else f"{here:%Y-%m-%d %H:%M %Z}"


def _styled(message: Message) -> Text:
    text = Text(clean(local_text(message)))
    strong = message.strong or (message.headline if message.kind == "question" else "")
    text.stylize(STRONG.get(message.kind, "bold"), 0, len(strong))
    return text


def _fact(line: str, style: str) -> Text:
    """One line of the card; what is too wide ends in an ellipsis, because a wrapped line cannot be redrawn."""
    text = Text(clean(line), no_wrap=True, overflow="ellipsis")
    text.stylize(style, 0, 1 if style in MARK_STYLES.values() and style != "dim" else len(line))
    return text
