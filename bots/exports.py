"""Files of a run on a person's disk: all of them or none, and never half a file."""

import errno
import os
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bots.errors import Refusal, Rejected
from bots.platform import File


def check_folder(folder: Path) -> None:
    """Find out early that `folder` cannot be written to. Raises Refusal."""
    if folder.exists() and not folder.is_dir():
        raise Refusal(f"{folder} is a file. Name a folder with --out.")
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise Refusal(f"Nothing can be written to {nearest}. Name another folder with --out.")


def write_files(files: Sequence[File], folder: Path) -> list[Path]:
    """Write `files` into `folder` by way of a folder beside it, so that nothing half-written is ever there.

    Files of the same name are replaced. Raises Rejected, in words.
    """
    folder = folder.resolve()
    places = [_place(file.name) for file in files]
    beside: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder.parent / f".{folder.name}-{uuid.uuid4().hex[:8]}"
        beside.mkdir()
        for file, place in zip(files, places, strict=True):
            target = beside / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
        if not folder.exists():
            beside.rename(folder)
        else:
            for place in places:
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (beside / place).replace(folder / place)
    except OSError as error:
        raise Rejected(_explain(error, folder)) from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
    return [folder / place for place in places]


def _place(name: str) -> Path:
    """Where a file of that name goes; a name cannot lead out of the folder."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", "..", ".")]
    if not parts:
        raise Rejected(f"{name!r} is not the name of a file.")
    return Path(*parts)


def _explain(error: OSError, folder: Path) -> str:
    cause = (error.strerror or type(error).__name__).lower()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"There is no room for the files in {folder} ({cause}). Free some space, or name another folder."
        )
    return f"The files could not be written to {folder} ({cause}). Name another folder with --out."
