"""Files a session makes: bytes under their hash in a store, and a row that says what they are."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field
from pydantic_settings import BaseSettings
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storage import sessions
from storage.errors import ArtifactError
from storage.models import Artifact


class ArtifactSettings(BaseSettings):
    """Where files are kept and how large one may be."""

    artifact_storage_path: str | None = Field(None, description="A folder; the default lies in OMC_HOME.")
    artifact_max_size_mb: int = Field(100, gt=0, description="The largest file that is kept, in megabytes.")


@dataclass(frozen=True)
class Stored:
    """Bytes that are safely kept."""

    sha256: str
    bytes: int
    uri: str


class ArtifactStore(Protocol):
    """Keeps bytes under their SHA-256. The same bytes are kept once; what was put is there for good."""

    def put(self, content: bytes) -> Stored:
        """Keep `content`, all or nothing. Raises ArtifactError (too large, disk full, no right to write)."""

    def read(self, sha256: str) -> bytes:
        """The bytes of that hash, verified. Raises ArtifactError when they are gone or damaged."""

    def has(self, sha256: str) -> bool:
        """Whether the bytes of that hash are kept."""

    def delete(self, sha256: str) -> None:
        """Forget the bytes of that hash; nothing happens when there are none."""


class FolderStore:
    """A store in a local folder, two levels deep, each file written beside its place and renamed."""

    def __init__(self, folder: Path, *, max_bytes: int = 100 * 1024 * 1024) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    def put(self, content: bytes) -> Stored:
        check_size(content, self.max_bytes)
        sha256 = hashlib.sha256(content).hexdigest()
        place = self._place(sha256)
        try:
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                handle, beside = tempfile.mkstemp(dir=place.parent, prefix=".part-")
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(content)
                        file.flush()
                        os.fsync(file.fileno())
                    Path(beside).replace(place)
                except BaseException:
                    Path(beside).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise ArtifactError(
                f"A result of {len(content) / 1e6:.1f} MB could not be kept in {self.folder}: "
                f"{error.strerror}. Free some space there or set ARTIFACT_STORAGE_PATH to another folder."
            ) from error
        return Stored(sha256, len(content), place.as_uri())

    def read(self, sha256: str) -> bytes:
        try:
            content = self._place(sha256).read_bytes()
        except OSError as error:
            raise ArtifactError(
                f"The stored file {sha256[:12]} is missing in {self.folder} ({error.strerror})."
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ArtifactError(f"The stored file {sha256[:12]} in {self.folder} is damaged.")
        return content

    def has(self, sha256: str) -> bool:
        return self._place(sha256).exists()

    def delete(self, sha256: str) -> None:
        self._place(sha256).unlink(missing_ok=True)

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not sha256.isalnum():
            raise ArtifactError(f"{sha256[:80]!r} is not the name of a stored file.")
        return self.folder / sha256[:2] / sha256[2:4] / sha256


def check_size(content: bytes, max_bytes: int) -> None:
    """Raises ArtifactError when `content` is larger than a store keeps."""
    if len(content) > max_bytes:
        raise ArtifactError(
            f"A file of {len(content) / 1e6:.1f} MB is over the limit of {max_bytes / 1e6:.0f} MB "
            "(ARTIFACT_MAX_SIZE_MB)."
        )


def open_store(settings: ArtifactSettings, home: Path) -> ArtifactStore:
    """The store that the settings name. Raises ArtifactError for an address it cannot use."""
    path = settings.artifact_storage_path
    if path and "://" in path:
        raise ArtifactError(
            f"ARTIFACT_STORAGE_PATH={path} is not a folder; this version keeps artifacts in folders only."
        )
    folder = Path(path) if path else home / "artifacts"
    return FolderStore(folder.absolute(), max_bytes=settings.artifact_max_size_mb * 1024 * 1024)


def save(
    db: Session,
    lease: sessions.Lease,
    stored: Stored,
    *,
    kind: str,
    name: str,
    media_type: str,
    summary: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Record a stored file as the session's `kind`/`name`; a later one of that name replaces it.

    Raises LeaseLost.
    """
    sessions.held(db, lease)
    values = {
        "media_type": media_type,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
        "uri": stored.uri,
        "summary": summary,
        "details": details or {},
    }
    statement = insert(Artifact).values(session_id=lease.session_id, kind=kind, name=name, **values)
    db.execute(
        statement.on_conflict_do_update(index_elements=["session_id", "kind", "name"], set_=_columns(values))
    )


def of_session(db: Session, session_id: Any, *, kind: str | None = None) -> list[Artifact]:
    """A session's files, oldest first; only those of `kind` when given."""
    query = select(Artifact).where(Artifact.session_id == session_id).order_by(Artifact.created_at)
    if kind is not None:
        query = query.where(Artifact.kind == kind)
    return list(db.scalars(query))


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {("metadata" if key == "details" else key): value for key, value in values.items()}
