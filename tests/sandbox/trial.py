"""An attack on trial: bait all round the sandbox, the code run in it, and what it reached, measured from outside."""

import contextlib
import json
import os
import re
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from sandbox import Limits, Result, Sandbox
from sandbox.inside.confine import SCRATCH_BYTES
from sandbox.inside.runner import MOST_FIGURES, MOST_PRINTED
from sandbox.results import MOST_FIGURE, MOST_RESULT

SECONDS, MEMORY_MB = 2.0, 512
SLACK_MB = 48
PATIENCE = 60.0  # for what must end by itself on a machine that has other work
HARMLESS = "result = [float(prices['close'].mean()), sum([1, 2]), float(np.mean([1, 3]))]\nprint('fine')"
DECOY = """
import os, signal, sys
def note(number, frame):
    with open(sys.argv[1], "a") as file: file.write(f"{number} ")
for number in range(1, 65):
    if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, 32, 33):
        signal.signal(number, note)
print("ready", flush=True)
while True: signal.pause()
"""


def make_prices(rows: int = 600) -> pd.DataFrame:
    """A 5-minute OHLCV frame."""
    rng = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, rows)))
    return pd.DataFrame(
        {
            "ts": pd.date_range("2024-03-01", periods=rows, freq="5min"),
            "open": close * 0.9995,
            "high": close * 1.001,
            "low": close * 0.999,
            "close": close,
            "volume": rng.random(rows) * 100,
        }
    )


@dataclass
class Bait:
    """Everything outside that an attack would like to reach, and whether something did."""

    folder: Path
    canary: str
    placeholders: dict[str, str]
    decoy: "subprocess.Popen[str]"
    signals: Path
    reached: set[str] = field(default_factory=set)

    def fill(self, code: str) -> str:
        for name, value in self.placeholders.items():
            code = code.replace(f"@{name}@", value)
        return code

    @property
    def decoy_disturbed(self) -> bool:
        if self.decoy.poll() is not None or self.signals.read_text():
            return True
        return bool(psutil.Process(self.decoy.pid).status() == psutil.STATUS_STOPPED)


@contextlib.contextmanager
def lay_bait() -> Iterator[Bait]:
    """Secrets, listeners and a decoy process, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="bait-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        canary = f"CANARY-{secrets.token_hex(8)}"
        secret = folder / "secret"
        secret.mkdir()
        (secret / "token.txt").write_text(f"{canary}\n")
        (secret / "picture.png").write_bytes(make_png(777, 333))
        (folder / "writable").mkdir()
        (folder / "other").mkdir()
        (folder / "other" / "result.json").write_text(json.dumps({"value": canary}))
        tag = f"tag{secrets.token_hex(4)}"
        signals = folder / "signals"
        signals.write_text("")
        decoy = subprocess.Popen(
            [sys.executable, "-c", DECOY, str(signals)],
            stdout=subprocess.PIPE,
            text=True,
            env={"CANARY": canary},
        )
        stack.callback(_end, decoy)
        assert decoy.stdout is not None
        stack.callback(decoy.stdout.close)
        decoy.stdout.readline()
        listeners = {
            "port": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        listeners["udp"].bind(("127.0.0.1", 0))
        listeners["unix"].bind(str(folder / "unix"))
        listeners["abstract"].bind(f"\0{tag}")
        listeners["unix"].listen()
        listeners["abstract"].listen()
        for listener in listeners.values():
            stack.callback(listener.close)
        bait = Bait(
            folder,
            canary,
            {
                "SECRET_FILE": str(secret / "token.txt"),
                "SECRET_DIR": str(secret),
                "SECRET_PNG": str(secret / "picture.png"),
                "WDIR": str(folder / "writable"),
                "PORT": str(listeners["port"].getsockname()[1]),
                "UDP": str(listeners["udp"].getsockname()[1]),
                "UNIX": str(folder / "unix"),
                "ABSTRACT": tag,
                "PARENT_PID": str(os.getpid()),
                "DECOY": str(decoy.pid),
                "OTHER_RUN": str(folder / "other"),
                "TAG": tag,
                "IN": str(folder),
            },
            decoy,
            signals,
        )
        stack.enter_context(_listening(listeners, bait))
        yield bait


@dataclass(frozen=True)
class Attack:
    """One piece of hostile code, and how its success shows."""

    name: str
    kind: str
    detect: str
    code: str


def read_attack(path: Path) -> Attack:
    """An attack from a file with a header."""
    text = path.read_text()
    head = dict(re.findall(r"^# (class|detect): (.*)$", text, re.MULTILINE))
    return Attack(path.stem, head["class"], head["detect"].strip(), text)


@dataclass(frozen=True)
class Outcome:
    """What an attack reached; nothing, when the sandbox held."""

    attack: Attack
    result: Result
    seconds: float
    reached: tuple[str, ...]

    @property
    def held(self) -> bool:
        return not self.reached


def conduct(
    sandbox: Sandbox, bait: Bait, attack: Attack, prices: pd.DataFrame, *, lint: bool = False
) -> Outcome:
    """Run an attack, look at everything that it could have reached, then run something harmless after it."""
    code = bait.fill(attack.code)
    watch = _Measuring(sandbox)
    began = time.monotonic()
    with watch:
        result = sandbox.run(code, {"prices": prices}, Limits(SECONDS, MEMORY_MB), lint=lint)
    seconds = time.monotonic() - began
    reached = [*_claims(attack, bait, result), *_traces(bait, result, watch, seconds)]
    after = sandbox.run(HARMLESS, {"prices": prices}, Limits(60, MEMORY_MB))
    expected = [float(prices["close"].mean()), 3, 2.0]
    if after.status != "ok" or after.value != expected or after.stdout != "fine\n":
        reached.append(f"the next run: {after.status} {after.value} {after.error}")
    bait.reached.clear()
    return Outcome(attack, result, seconds, tuple(reached))


def _claims(attack: Attack, bait: Bait, result: Result) -> Iterator[str]:
    """Success in the words of the attack's own header."""
    if attack.detect.startswith("stdout:"):
        sign = attack.detect.partition(":")[2]
        for line in result.stdout.splitlines():
            held = re.match(r"PWNED-HELD (\d+)", line)
            if held and int(held[1]) <= MEMORY_MB + SLACK_MB:
                continue
            if line.startswith(sign):
                yield f"it says {line[:80]!r}"
    elif attack.detect.startswith("file:"):
        path = Path(bait.fill(attack.detect.partition(":")[2]))
        if path.exists():
            path.unlink()
            yield f"{path} exists"


def _traces(bait: Bait, result: Result, watch: "_Measuring", seconds: float) -> Iterator[str]:
    """Success as it shows outside, whatever the attack was after."""
    told = "\n".join((result.stdout, json.dumps(result.value), result.error or "", *result.notes))
    if bait.canary in told:
        yield "a secret came out"
    time.sleep(0.01)  # for a listener's thread to notice
    yield from (f"the {name} listener was reached" for name in sorted(bait.reached))
    if bait.decoy_disturbed:
        yield "the decoy was signalled"
        bait.signals.write_text("")
    for left in list((bait.folder / "writable").iterdir()):
        yield f"a file outside: {left.name}"
        left.unlink()
    if seconds > SECONDS + PATIENCE:
        yield f"it ran for {seconds:.1f} s"
    if watch.memory_mb > MEMORY_MB + SLACK_MB:
        yield f"it had {watch.memory_mb:.0f} MB"
    if max(watch.disk_mb, result.usage.scratch_mb) > SCRATCH_BYTES / (1 << 20) + SLACK_MB:
        yield f"it wrote {max(watch.disk_mb, result.usage.scratch_mb):.0f} MB"
    if watch.threads > 400:
        yield f"it had {watch.threads} threads"
    if len(result.stdout) > MOST_PRINTED or len(json.dumps(result.value)) > MOST_RESULT:
        yield "more came out than is allowed"
    if len(result.figures) > MOST_FIGURES or any(len(figure.png) > MOST_FIGURE for figure in result.figures):
        yield "more or larger figures came out than are allowed"
    if any((figure.width, figure.height) == (777, 333) for figure in result.figures):
        yield "a secret picture came out"
    if watch.left:
        yield f"processes are left: {watch.left}"


class _Measuring:
    """Memory, disk and processes below the keeper, sampled while an attack runs."""

    def __init__(self, sandbox: Sandbox) -> None:
        assert sandbox.keeper_pid is not None
        self._keeper = psutil.Process(sandbox.keeper_pid)
        self._base = Path(sandbox.address).parent
        self._before = {process.pid for process in self._keeper.children(recursive=True)}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._idle: dict[int, int] = {}
        self.memory_mb = self.disk_mb = 0.0
        self.threads = 0
        self.left: list[int] = []

    def __enter__(self) -> "_Measuring":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            now = {process.pid for process in self._keeper.children(recursive=True)}
            self.left = sorted(now - self._before)
            if not self.left:
                break
            time.sleep(0.01)

    def _sample(self) -> None:
        while not self._done.wait(0.02):
            with contextlib.suppress(psutil.Error):
                for process in self._keeper.children(recursive=True):
                    if process.pid not in self._before:
                        self._look_at(process)
            used = 0
            with contextlib.suppress(OSError):
                for path in self._base.glob("run-*/*"):
                    used += path.lstat().st_blocks * 512
            self.disk_mb = max(self.disk_mb, used / (1 << 20))

    def _look_at(self, process: psutil.Process) -> None:
        held = process.memory_info()
        first = self._idle.setdefault(process.pid, held.rss)
        self.memory_mb = max(self.memory_mb, (held.rss - first) / (1 << 20))
        self.threads = max(self.threads, process.num_threads())


@contextlib.contextmanager
def _listening(listeners: dict[str, socket.socket], bait: Bait) -> Iterator[None]:
    stop, stopper = socket.socketpair()
    names = {listener.fileno(): name for name, listener in listeners.items()}

    def listen() -> None:
        while True:
            ready, _, _ = select.select([stop, *listeners.values()], [], [])
            if stop in ready:
                return
            for listener in ready:
                bait.reached.add(names[listener.fileno()])
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                else:
                    listener.recv(1000)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        stopper.send(b".")
        thread.join()
        stop.close()
        stopper.close()


def make_png(width: int, height: int, *, extra: bytes = b"") -> bytes:
    """A grey picture; `extra` chunks stand before its content."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    header = struct.pack("!IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + kind + body + struct.pack("!I", zlib.crc32(kind + body))


def _end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
