"""When a platform may be called: people who act are answered first, and no channel is flooded."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bots.errors import TryLater
from bots.platform import Place, Platform

CALL_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 60.0
# Calls in flight: more would only queue up before the same few processors.
AT_ONCE = 12
LONGEST_ASIDE_SECONDS = 2.0
# So many posts may follow each other at once in one channel (a root and its card); after that they keep the pace.
BURST = 2
LONGEST_TURN_SECONDS = 5.0

T = TypeVar("T")


class Pacing:
    """The calls of one delivery to its platform."""

    def __init__(self, platform: Platform, give_way: Callable[[], bool] | None = None) -> None:
        """While `give_way` says so, telling waits for a moment: the same process answers people who act."""
        self._name = platform.name
        self._post_seconds = platform.pace.post_seconds
        self._give_way = give_way
        self._room = asyncio.Semaphore(AT_ONCE)
        self._free_at: dict[tuple[str, str], float] = {}

    async def step_aside(self) -> None:
        """Wait while people are being answered, but not for long: they want to hear of their runs as well."""
        waited = 0.0
        while self._give_way is not None and self._give_way() and waited < LONGEST_ASIDE_SECONDS:
            await asyncio.sleep(0.05)
            waited += 0.05

    async def turn(self, place: Place) -> None:
        """Wait until something may be posted in a channel. Raises TryLater when that is not soon."""
        if not self._post_seconds:
            return
        now, channel = time.monotonic(), (place.workspace, place.channel)
        free_at = max(now, self._free_at.get(channel, 0.0))
        seconds = free_at - (BURST - 1) * self._post_seconds - now
        if seconds > LONGEST_TURN_SECONDS:
            raise TryLater("many messages for one channel", seconds=seconds, in_doubt=False)
        if len(self._free_at) > 10_000:
            self._free_at = {known: at for known, at in self._free_at.items() if at > now}
        self._free_at[channel] = free_at + self._post_seconds
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def call(self, doing: Coroutine[Any, Any, T], *, seconds: float = CALL_SECONDS) -> T:
        """Wait for a platform, but not for ever. Raises what the platform raises, and TryLater."""
        try:
            await self._room.acquire()
        except BaseException:
            doing.close()
            raise
        try:
            async with asyncio.timeout(seconds):
                return await doing
        except TimeoutError as error:
            raise TryLater(f"{self._name} did not answer in {seconds:.0f} s") from error
        finally:
            self._room.release()


def pause(attempts: int) -> float:
    """Seconds to wait after that many failed attempts: 1, 2, 4 ... a minute."""
    return float(min(LONGEST_PAUSE_SECONDS, 2.0 ** min(attempts - 1, 20)))
