"""The conversation as adapters meet it: synchronous commands run in threads of their own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bots import commands, dropping
from bots.commands import Backend
from bots.errors import Refusal
from bots.platform import Dropped, Heard, OpenThread, Press, Reply, Speaker, Submitted
from storage.artifacts import ArtifactStore

IMPORTS = ("import", "import_options")
T = TypeVar("T")


class CoreConversation:
    """What one platform's people say, on its way to `bots.commands`; files go to `bots.dropping`."""

    def __init__(
        self, backend: Backend, platform: str, *, store: ArtifactStore | None = None, threads: int = 4
    ) -> None:
        """Without a `store`, files are not taken in."""
        self._backend = backend
        self._platform = platform
        self._store = store
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="conversation")
        self._answering = 0
        self._waking = ThreadPoolExecutor(1, thread_name_prefix="waking")

    def is_busy(self) -> bool:
        """Whether several people wait for their reply right now."""
        return self._answering > 2

    async def handle(self, heard: Heard) -> Reply:
        self._answering += 1
        try:
            return await self._handle(heard)
        finally:
            self._answering -= 1

    async def _handle(self, heard: Heard) -> Reply:
        about_files = (
            isinstance(heard, Dropped)
            or (isinstance(heard, Press) and heard.action in IMPORTS)
            or (isinstance(heard, Submitted) and heard.form == "import")
        )
        if about_files and self._store is not None:
            return await self._take_in(self._store, heard)
        return await self._in_thread(commands.handle, self._backend, heard, self._waking.submit)

    async def suggest(self, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
        return await self._in_thread(commands.suggest, self._backend, speaker, option, typed)

    async def open_threads(self) -> Sequence[OpenThread]:
        return await self._in_thread(commands.open_threads, self._backend, self._platform)

    def close(self) -> None:
        self._pool.shutdown(wait=False)
        self._waking.shutdown(wait=False)  # what is handed to it is still done

    async def _take_in(self, store: ArtifactStore, heard: Heard) -> Reply:
        """A file and what is said about it; each is worked on once."""
        allowed = await self._in_thread(commands.allow_file, self._backend, heard)
        if isinstance(allowed, Reply):
            return allowed
        try:
            match heard:
                case Dropped():
                    return await dropping.dropped(store, heard, allowed)
                case Press():
                    return await dropping.pressed(store, heard, allowed)
                case Submitted():
                    return await dropping.submitted(store, heard, allowed)
        except Refusal as error:
            return Reply(str(error), ok=False)
        raise AssertionError(f"{heard} is about no file")

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
