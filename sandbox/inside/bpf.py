"""A small assembler for the classic BPF that seccomp runs: instructions with labels, jumps resolved at the end."""

import struct
from dataclasses import dataclass, field

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
JUMP_EQUAL, JUMP_ABOVE_OR_EQUAL, JUMP_SET = 0x15, 0x35, 0x45
JUMP = 0x05
RETURN = 0x06

# offsetof(struct seccomp_data, ...), little endian
NUMBER, ARCHITECTURE = 0, 4


def argument(index: int, *, high: bool = False) -> int:
    """Where one half of a system call's argument lies."""
    return 16 + 8 * index + (4 if high else 0)


@dataclass
class Program:
    """Instructions in order; `target` names a label, or None for the next instruction."""

    _steps: list[tuple[int, int, str | None, str | None]] = field(default_factory=list)
    _labels: dict[str, int] = field(default_factory=dict)

    def load(self, offset: int) -> None:
        self._steps.append((LOAD, offset, None, None))

    def keep_bits(self, mask: int) -> None:
        self._steps.append((AND, mask, None, None))

    def jump(self, kind: int, value: int, *, yes: str | None = None, no: str | None = None) -> None:
        self._steps.append((kind, value, yes, no))

    def go(self, label: str) -> None:
        self._steps.append((JUMP, 0, label, None))

    def finish(self, action: int) -> None:
        self._steps.append((RETURN, action, None, None))

    def label(self, name: str) -> None:
        assert name not in self._labels
        self._labels[name] = len(self._steps)

    def assemble(self) -> bytes:
        """The program as an array of struct sock_filter."""
        return b"".join(self._encode(place, *step) for place, step in enumerate(self._steps))

    def __len__(self) -> int:
        return len(self._steps)

    def _encode(self, place: int, code: int, value: int, yes: str | None, no: str | None) -> bytes:
        if code == JUMP:
            assert yes is not None
            return struct.pack("HBBI", code, 0, 0, self._labels[yes] - place - 1)
        offsets = [0 if name is None else self._labels[name] - place - 1 for name in (yes, no)]
        if not all(0 <= offset < 256 for offset in offsets):
            raise ValueError("a conditional jump is too long")
        return struct.pack("HBBI", code, *offsets, value)
