"""Draws a run's thread as the README shows it, from the messages that a chat is sent.

python -m docs.thread_picture R-1 docs/thread.png
"""

import io
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typst
from PIL import Image

from bots import cards, messages
from bots.asking import facts_of
from bots.local_database import open_database
from bots.platform import Message
from bots.progress import Fact, fold
from bots.words import Words
from engine.report.glyphs import FOLDERS, coverage
from storage import sessions
from storage.artifacts import ArtifactSettings, open_store
from storage.embedded import connect

TEMPLATE: Final = Path(__file__).with_name("thread_picture.typ")
TOLD: Final = frozenset({"question", "completed", "failed"})


def draw(run: str) -> bytes:
    """The thread of a finished run as a PNG. Raises StorageError for a run that is not there."""
    with connect() as services, open_database() as database:
        with database.begin() as db:
            facts = facts_of(db, sessions.find(db, run).id)
        store = open_store(ArtifactSettings(), services.home)
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / TEMPLATE.name).write_bytes(TEMPLATE.read_bytes())
            for file in _pictures(facts):
                (root / file["name"].replace("/", "-")).write_bytes(store.read(file["sha256"]))
            data = {"messages": [_plain(message, at) for message, at in _told(facts, run)]}
            return _compile(root, data)


def _told(facts: tuple[Fact, ...], run: str) -> list[tuple[Message, datetime]]:
    """Root and card as they stand in the end, then the messages of their own."""
    words, progress = Words("en"), fold(facts)
    opened, now = facts[0].at, facts[-1].at
    told = [(cards.root(progress, run, words), opened), (cards.card(progress, run, now, words), opened)]
    for fact in facts:
        if fact.kind in TOLD:
            told.append((messages.posted(fact, run, None, words), fact.at))
    return told


def _pictures(facts: tuple[Fact, ...]) -> list[dict[str, Any]]:
    files = [file for fact in facts for file in fact.payload.get("files") or ()]
    return [file for file in files if file["media_type"] == "image/png"]


def _plain(message: Message, at: datetime) -> dict[str, Any]:
    strong = message.strong if message.headline.startswith(message.strong) else ""
    return {
        "kind": message.kind,
        "at": f"{at.astimezone(UTC):%H:%M}",
        "strong": strong,
        "headline": message.headline[len(strong) :],
        "stages": [line.text() for line in message.stages],
        "lines": list(message.lines),
        "table": message.table.text() if message.table else "",
        "note": message.table.note if message.table else "",
        "picture": f"charts-{message.charts[0]}.png" if message.charts else "",
        "footer": message.footer,
        "buttons": [message.choice_label(choice) for choice in message.choices]
        + [_settable(action.label) for action in message.actions],
    }


def _settable(label: str) -> str:
    """A button's words; a chat has pictures for its emoji, the fonts here have none."""
    return "".join(letter for letter in label if ord(letter) in coverage()).strip()


def _compile(root: Path, data: dict[str, Any]) -> bytes:
    picture = typst.compile(
        root / TEMPLATE.name,
        root=root,
        font_paths=list(FOLDERS),
        ignore_system_fonts=True,
        format="png",
        ppi=144,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    assert isinstance(picture, bytes)
    with Image.open(io.BytesIO(picture)) as image, io.BytesIO() as small:
        # A palette is a third of the size and looks the same.
        image.convert("RGB").quantize(160, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        return small.getvalue()


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(draw(sys.argv[1]))
