"""Landlock: which files a run may touch. Binds the calling thread and all it starts; needs no privilege.

Every right that the running kernel knows is taken away, then a few are given back under single paths. Kernel
documentation: userspace-api/landlock.
"""

import ctypes
import os

from sandbox.inside import linux
from sandbox.inside.syscalls import Machine

# The file rights in the kernel's order, and the version of Landlock that brought the late ones.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_REG = 1 << 8
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1
_LATER = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}

READ = READ_FILE | READ_DIR
SCRATCH = READ | WRITE_FILE | MAKE_REG | TRUNCATE
DEVICE = READ_FILE | WRITE_FILE
_FOR_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNAL = 1, 2
_VERSION_FLAG = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version(machine: Machine) -> int:
    """The version of Landlock that this kernel offers; 0 when it has none or it is switched off."""
    try:
        return linux.syscall(machine.calls["landlock_create_ruleset"], 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def restrict(machine: Machine, rules: dict[int, int]) -> None:
    """Give this thread the rights of `rules` (an open file or folder -> rights) and no others, for good.

    Raises OSError when the kernel refuses. no_new_privs must be set before.
    """
    known = version(machine)
    if known < 1:
        raise OSError("this kernel has no Landlock")
    handled = _FIRST
    for since, right in _LATER.items():
        if known >= since:
            handled |= right
    attributes = _Ruleset(handled, 0, 0)
    size = 8
    if known >= 4:
        attributes.handled_access_net = _NET_BIND_TCP | _NET_CONNECT_TCP
        size = 16
    if known >= 6:
        attributes.scoped = _SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNAL
        size = 24
    ruleset = linux.syscall(machine.calls["landlock_create_ruleset"], ctypes.byref(attributes), size, 0)
    try:
        for place, rights in rules.items():
            is_folder = os.fstat(place).st_mode & 0o170000 == 0o040000
            allowed = rights & handled & (~0 if is_folder else _FOR_FILES)
            rule = _PathBeneath(allowed, place)
            linux.syscall(machine.calls["landlock_add_rule"], ruleset, 1, ctypes.byref(rule), 0)
        linux.syscall(machine.calls["landlock_restrict_self"], ruleset, 0)
    finally:
        os.close(ruleset)
