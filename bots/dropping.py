"""A file of prices that somebody drops into a chat, and the import's own dialogue about it.

The data libraries never enter a bot process: `omc data import` reads the file in a process of its own. What the
dialogue needs to go on is in its buttons and forms, so that it outlives a restart.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bots.errors import PlatformError, Refusal
from bots.platform import Action, Dropped, Field, Form, Message, Press, Reply, Submitted, pack
from bots.text import clean, one_line
from bots.words import Words
from storage.artifacts import ArtifactStore
from storage.errors import ArtifactError

MOST_MB = 100
OPTIONS = ("coin", "series", "tz", "stamps", "dates")
READ_SECONDS = 300
LONGEST_KEPT_NAME = 100 - len(pack("import_options", "", f"{64 * '0'}:"))
KINDS = (
    ".csv",
    ".tsv",
    ".txt",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".arrow",
    ".feather",
    ".gz",
    ".bz2",
    ".xz",
    ".zip",
)


async def dropped(store: ArtifactStore, file: Dropped, words: Words) -> Reply:
    """Keep a dropped file, read it, and say what was understood; nothing is imported yet. Raises Refusal."""
    name = one_line(file.name, 80)
    if not name.casefold().endswith(KINDS):
        return Reply()
    if file.size_bytes > MOST_MB * 1024 * 1024:
        size = round(file.size_bytes / 1024 / 1024)
        raise Refusal(words("import.too_large", name=name, size=size, most=MOST_MB))
    try:
        content = await file.fetch()
        stored = await asyncio.to_thread(store.put, content)
    except (PlatformError, ArtifactError) as error:
        raise Refusal(words("import.refused", name=name, why=str(error))) from error
    return await _read(store, stored.sha256, name, {}, words, write=False)


async def pressed(store: ArtifactStore, press: Press, words: Words) -> Reply:
    """Import what was shown, or open the form that says what the file is. Raises Refusal."""
    sha256, name = _kept(press.value, words)
    if press.action == "import_options":
        labels = [Field(option, words(f"field.{option}")) for option in OPTIONS]
        send, cancel = words("form.send"), words("form.cancel")
        form = Form(
            "import", words("form.import"), tuple(labels), submit=send, cancel=cancel, context=press.value
        )
        return Reply(form=form)
    return _begun(store, sha256, name, {}, words)


async def submitted(store: ArtifactStore, sent: Submitted, words: Words) -> Reply:
    """Import a file with what was said about it. Raises Refusal."""
    sha256, name = _kept(sent.context, words)
    options = {option: clean(value).strip()[:100] for option, value in sent.values.items() if value.strip()}
    return _begun(store, sha256, name, options, words)


def _begun(store: ArtifactStore, sha256: str, name: str, options: Mapping[str, str], words: Words) -> Reply:
    """Say that the import has begun; how it ended comes after that, in however long it takes."""

    async def ended() -> Reply:
        try:
            return await _read(store, sha256, name, options, words, write=True)
        except Refusal as error:
            return Reply(str(error), ok=False)

    return Reply(words("import.begun", name=name), later=ended)


async def _read(
    store: ArtifactStore, sha256: str, name: str, options: Mapping[str, str], words: Words, *, write: bool
) -> Reply:
    """Run `omc data import` on a kept file and put its report into words."""
    try:
        content = await asyncio.to_thread(store.read, sha256)
    except ArtifactError as error:
        raise Refusal(words("import.gone")) from error
    with tempfile.TemporaryDirectory(prefix="omc-import-") as folder:
        path = Path(folder) / (re.sub(r"[^\w.@:-]+", "_", name) or "prices.csv")
        await asyncio.to_thread(path.write_bytes, content)
        said = [f"--{option}={value}" for option, value in options.items() if option in OPTIONS]
        command = [
            "-m",
            "bots.cli",
            "data",
            "import",
            str(path),
            "--json",
            *said,
            *([] if write else ["--dry-run"]),
        ]
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(READ_SECONDS):
                out, said_badly = await child.communicate()
        except TimeoutError:
            child.kill()
            await child.wait()
            raise Refusal(words("import.failed", name=name, status=f"{READ_SECONDS} s")) from None
    reports = _reports(out)
    if not reports:
        why = one_line(said_badly.decode(errors="replace"), 300)
        raise Refusal(words("import.failed", name=name, status=f"{child.returncode}: {why}"))
    return _told(reports[0], name, f"{sha256}:{_short(name)}", words, write=write)


def _told(report: Mapping[str, Any], name: str, kept: str, words: Words, *, write: bool) -> Reply:
    say = Action("import_options", words("button.import_options"), kept)
    if report.get("refused"):
        why = words("import.refused", name=name, why=one_line(str(report["refused"]), 600))
        return Reply(message=Message("notice", "", why, actions=(say,)), ok=False, shared=True)
    coins = report.get("coins") or []
    lines = [_coin(coin, words) for coin in coins[:20]]
    if report.get("rejects"):
        lines.append(words("import.rejects", n=words.count(len(report["rejects"]))))
    if write:
        new, updated, same = (
            words.count(sum(int(c.get(k, 0)) for c in coins)) for k in ("new", "updated", "same")
        )
        done = words("import.done", name=name, new=new, updated=updated, same=same)
        return Reply(message=Message("notice", "", done, lines=tuple(lines)), shared=True)
    understood = words("import.understood", name=name, rows=words.count(int(report.get("rows_in", 0))))
    how = [f"{about}: {one_line(str(text), 160)}" for about, text in (report.get("understood") or {}).items()]
    do = Action("import", words("button.import"), kept, "primary")
    message = Message(
        "notice", "", understood, lines=(*lines, *how[:8], words("import.ask")), actions=(do, say)
    )
    return Reply(message=message, shared=True)


def _coin(coin: Mapping[str, Any], words: Words) -> str:
    said = words(
        "import.coin",
        coin=str(coin.get("coin", "")).upper(),
        series=coin.get("series", ""),
        bars=words.count(int(coin.get("bars", 0))),
        start=str(coin.get("start", ""))[:16].replace("T", " "),
        end=str(coin.get("end", ""))[:16].replace("T", " "),
    )
    if coin.get("gaps"):
        said += "; " + words(
            "import.gaps", n=words.count(int(coin["gaps"])), missing=words.count(int(coin["missing_bars"]))
        )
    return said


def _short(name: str) -> str:
    """A file's name for a button's id, which has at most 100 characters; the ending says what the file is."""
    if len(name) <= LONGEST_KEPT_NAME:
        return name
    ending = "".join(Path(name).suffixes[-2:])[-LONGEST_KEPT_NAME:]
    return name[: LONGEST_KEPT_NAME - len(ending)] + ending


def _kept(value: str, words: Words) -> tuple[str, str]:
    sha256, _, name = value.partition(":")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise Refusal(words("not_understood"))
    return sha256, name or "prices.csv"


def _reports(out: bytes) -> list[dict[str, Any]]:
    try:
        reports = json.loads(out)
    except ValueError:
        return []
    return reports if isinstance(reports, list) else []
