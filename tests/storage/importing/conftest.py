"""Files for the tests of importing."""

from pathlib import Path

import pytest

from tests.storage.importing.prices_as_files import Save


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
