"""What a worker's processes ask of the operating system: to die together, and how many cores they may use."""

import contextlib
import ctypes
import math
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, sign: signal.Signals) -> bool:
    """Have `sign` sent to this process when its parent dies; False when that has happened already.

    On Linux the kernel does it, however the parent dies (more exactly: when the thread ends that started
    this process). Elsewhere only the answer is of use, and the caller has to ask again now and then.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
    return os.getppid() == parent_pid


def granted_cores() -> int:
    """How many cores this process may keep busy: its affinity, and its control group's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(1, cores)


def grant_threads(count: int) -> None:
    """Let each fit use `count` threads that sleep while they wait.

    The libraries read this when they are loaded, so it comes before their import. BLAS gets one thread: its
    pool would start with the import, in a process that forks, and the matrices here are small. Arrow's spare
    allocator would start one too.
    """
    for name, value in {
        "OMP_NUM_THREADS": str(count),
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }.items():
        os.environ[name] = value
