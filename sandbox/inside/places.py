"""What a run may read: the libraries, the time zones, the fonts. Nothing that belongs to a person or a service."""

import os
import site
import sys

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
)


def readable(font_cache: str) -> list[str]:
    """Folders and files to read, that exist here, none inside another."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = [
        os.path.join(sys.base_prefix, "lib", version),
        os.path.dirname(os.path.realpath(os.__file__)),
        *site.getsitepackages(),
    ]
    # The interpreter's own shared library, where it is built with one.
    shared = [
        os.path.join(sys.base_prefix, "lib", name)
        for name in _names(os.path.join(sys.base_prefix, "lib"))
        if name.startswith("libpython")
    ]
    found: list[str] = []
    for path in sorted({*_SYSTEM, *python, *shared, font_cache}):
        inside = any(path.startswith(f"{other}/") for other in found)
        if not inside and os.path.exists(path):
            found.append(path)
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
