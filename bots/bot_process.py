"""One bot process: it listens to its platform and delivers to it, until it is told to stop."""

import asyncio
import contextlib
import ctypes
import logging
import signal
from typing import Any

import click

from bots.composition import House
from bots.conversation import CoreConversation
from bots.delivery import Delivery
from bots.platform import Platform

M_ARENA_MAX = -8


def run_bot(house: House, platform: Platform, ready: asyncio.Event, greeting: str) -> None:
    """Listen and deliver until SIGTERM or Ctrl-C; what is being posted then is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_run(house, platform, ready, greeting))


def save_memory() -> None:
    """Keep the C library from giving every thread a heap of its own: a bot has a dozen threads and small needs."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


async def _run(house: House, platform: Platform, ready: asyncio.Event, greeting: str) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    conversation = CoreConversation(house.backend, platform.name, store=house.store)
    delivery = Delivery(
        house.database,
        platform,
        house.store,
        restore=house.services.ensure,
        give_way=conversation.is_busy,
    )
    listening = asyncio.create_task(platform.run(conversation))
    told = asyncio.create_task(_greet(ready, greeting))
    stopping = asyncio.create_task(stopped.wait())
    # Nothing is posted before the platform has accepted us: a wrong token must not look like lost messages.
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({listening, waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    delivering = asyncio.create_task(delivery.run()) if waiting.done() else None
    running = {listening, stopping, *([delivering] if delivering else [])}
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for ended in (listening, delivering):
            if ended is not None and ended.done():
                ended.result()
    finally:
        tasks: list[asyncio.Task[Any]] = [listening, told, stopping, waiting]
        if delivering is not None:
            tasks.append(delivering)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        conversation.close()


async def _greet(ready: asyncio.Event, greeting: str) -> None:
    await ready.wait()
    click.echo(greeting, err=True)
