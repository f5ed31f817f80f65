"""How much a run of model-written code may use, and where it is held."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from sandbox.contract import Limits


class SandboxSettings(BaseSettings):
    """Caps on every run, and the socket of a keeper in a container of its own."""

    sandbox_max_execution_time: float = Field(300.0, gt=0, description="Seconds one run may take.")
    sandbox_max_memory_mb: int = Field(
        2048, ge=16, description="Megabytes one run may use beyond the libraries."
    )
    sandbox_socket: Path | None = Field(
        None, description="The socket of `omc sandbox`, when code is held in a container of its own."
    )
    mplconfigdir: Path | None = Field(None, description="Where matplotlib keeps its list of fonts.")
    omp_num_threads: int | None = Field(None, ge=1, description="Threads that one fit may use.")

    def cap(self, limits: Limits | None) -> Limits:
        """The limits asked for, or the largest, never more than the settings allow."""
        asked = limits or Limits(self.sandbox_max_execution_time, self.sandbox_max_memory_mb)
        return Limits(
            min(asked.seconds, self.sandbox_max_execution_time),
            min(asked.memory_mb, self.sandbox_max_memory_mb),
        )
