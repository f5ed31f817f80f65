"""What every artifact store must do, whatever keeps the bytes."""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.artifacts import ArtifactSettings, ArtifactStore, FolderStore, open_store
from storage.errors import ArtifactError

MakeStore = Callable[[int], ArtifactStore]


@pytest.fixture(params=["folder"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    def folder(max_bytes: int) -> ArtifactStore:
        return FolderStore(tmp_path / "store", max_bytes=max_bytes)

    return {"folder": folder}[request.param]


def test_what_was_put_is_read_back_under_its_hash(make_store: MakeStore) -> None:
    store = make_store(1000)
    stored = store.put(b"a chart")
    assert stored.sha256 == hashlib.sha256(b"a chart").hexdigest()
    assert stored.bytes == 7
    assert store.read(stored.sha256) == b"a chart"
    assert store.has(stored.sha256)


def test_the_same_bytes_are_kept_once(make_store: MakeStore) -> None:
    store = make_store(1000)
    assert store.put(b"twice") == store.put(b"twice")


def test_a_file_over_the_limit_is_refused_in_words_and_leaves_nothing(make_store: MakeStore) -> None:
    store = make_store(10)
    with pytest.raises(ArtifactError, match=r"over the limit .*ARTIFACT_MAX_SIZE_MB"):
        store.put(b"eleven byte")
    assert not store.has(hashlib.sha256(b"eleven byte").hexdigest())


def test_a_missing_file_is_named(make_store: MakeStore) -> None:
    with pytest.raises(ArtifactError, match="000000000000 is missing"):
        make_store(10).read("0" * 64)


def test_a_name_that_is_no_hash_reaches_no_file(make_store: MakeStore) -> None:
    for name in ("../../etc/passwd", "", "a" * 63 + "/"):
        with pytest.raises(ArtifactError, match="not the name of a stored file"):
            make_store(10).read(name)


def test_deleting_forgets_and_may_be_repeated(make_store: MakeStore) -> None:
    store = make_store(100)
    stored = store.put(b"gone soon")
    store.delete(stored.sha256)
    store.delete(stored.sha256)
    assert not store.has(stored.sha256)


def test_a_damaged_file_is_noticed(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    stored = store.put(b"whole")
    Path(stored.uri.removeprefix("file://")).write_bytes(b"torn")
    with pytest.raises(ArtifactError, match="damaged"):
        store.read(stored.sha256)


def test_a_full_disk_is_said_in_words_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"No space left.*ARTIFACT_STORAGE_PATH"):
        FolderStore(tmp_path).put(b"too much")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_address_that_is_no_folder_is_refused() -> None:
    with pytest.raises(ArtifactError, match="folders only"):
        open_store(ArtifactSettings(artifact_storage_path="s3://bucket/x"), Path("/nowhere"))
