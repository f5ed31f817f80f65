"""A feature that an agent wrote as code: data to everything here. `engine.written` has it run where it is held."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "written_"
# A value may rest on so many bars before its own and no more: `omc predict` gives it no more.
MEMORY_BARS: Final = 1_000


@dataclass(frozen=True)
class WrittenFeature:
    """A name in small letters, and code that defines `feature(bars) -> Series`."""

    name: str
    code: str

    @property
    def column(self) -> str:
        """Its column in the feature table; no feature of ours begins like it."""
        return f"{PREFIX}{self.name}"

    @property
    def content(self) -> bytes:
        """What is kept of it."""
        return json.dumps({"name": self.name, "code": self.code}, ensure_ascii=False).encode()

    @property
    def handle(self) -> str:
        """Its artifact's handle, which names its content."""
        return f"own_feature-{hashlib.sha256(self.content).hexdigest()[:16]}"
