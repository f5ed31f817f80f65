"""The conversation as adapters meet it: synchronous commands run in threads of their own."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bots import commands
from bots.commands import Backend
from bots.platform import Heard, OpenThread, Reply, Speaker

T = TypeVar("T")


class CoreConversation:
    """What one platform's people say, on its way to `bots.commands`."""

    def __init__(self, backend: Backend, platform: str, *, threads: int = 8) -> None:
        self._backend = backend
        self._platform = platform
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="conversation")

    async def handle(self, heard: Heard) -> Reply:
        return await self._in_thread(commands.handle, self._backend, heard)

    async def suggest(self, speaker: Speaker, option: str, typed: str) -> Sequence[str]:
        return await self._in_thread(commands.suggest, self._backend, speaker, option, typed)

    async def open_threads(self) -> Sequence[OpenThread]:
        return await self._in_thread(commands.open_threads, self._backend, self._platform)

    def close(self) -> None:
        self._pool.shutdown(wait=False)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
