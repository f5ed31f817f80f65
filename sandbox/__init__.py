"""Where code that a model wrote is held: run(code, inputs, limits) -> Result. The boundary is the kernel.

The way of one run: `running.py` sends the code and sealed inputs to the keeper (`keeper/serving.py`), which has a
zygote fork (`inside/zygote.py`) that takes everything away from itself (`inside/confine.py`) before it runs the code
(`inside/runner.py`); `keeper/watch.py` measures it from outside, and `results.py` reads with suspicion what it left.
"""

from sandbox.contract import Figure, Limits, Result, SandboxError, Usage
from sandbox.running import Protection, Sandbox, default, run, serve

__all__ = [
    "Figure",
    "Limits",
    "Protection",
    "Result",
    "Sandbox",
    "SandboxError",
    "Usage",
    "default",
    "run",
    "serve",
]
