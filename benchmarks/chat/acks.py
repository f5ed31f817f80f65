"""How soon people are answered: acknowledgements at a steady rate and in a burst, root and card, the bot's needs."""

import asyncio
import statistics
import time

from benchmarks.chat.chats import Acknowledged, Chat
from benchmarks.chat.processes import Processes, cpu_seconds, megabytes, say, until

RATE, SECONDS, BURST = 20, 15, 200
CHANNELS = 50


async def acks(chat: Chat, processes: Processes) -> None:
    """Measure `/omc analyze`, each of which writes a run's rows; no worker takes them."""
    chat.prepare(CHANNELS + 1)
    for what in ("first start, bytecode being made", "start"):
        processes.stop()
        await until(lambda: not chat.listening, "no bot is there")
        began = time.monotonic()
        bot = processes.bot("bot-1")
        await until(lambda: chat.listening, "the bot is there")
        took = time.monotonic() - began
        say(f"{what}: {cpu_seconds(bot.pid):.2f} CPU s, {took:.2f} s, {megabytes(bot.pid):.0f} MB")

    async def ask(number: int) -> Acknowledged:
        return await chat.command(number % CHANNELS, f"will btc rise? {number}")

    for number in range(CHANNELS):  # people are known after this
        await ask(number)
    at = time.perf_counter()
    await chat.command(CHANNELS, "will btc rise? root")
    await until(lambda: len(chat.thread(CHANNELS)) == 2, "root and card")
    say(
        f"root and card: {time.perf_counter() - at:.2f} s after the command, {CHANNELS} others just before it"
    )
    used = cpu_seconds(bot.pid)
    tasks = []
    for number in range(RATE * SECONDS):
        tasks.append(asyncio.create_task(ask(number)))
        await asyncio.sleep(1 / RATE)
    _report(f"{RATE} a second for {SECONDS} s", [await task for task in tasks])
    each = (cpu_seconds(bot.pid) - used) / (RATE * SECONDS)
    say(f"  {each * 1000:.1f} CPU ms of the bot a command, posts included")
    _report(f"a burst of {BURST}", await asyncio.gather(*(ask(number) for number in range(BURST))))
    say(f"memory after {CHANNELS + 1 + RATE * SECONDS + BURST} commands: {megabytes(bot.pid):.0f} MB")


def _report(what: str, answers: list[Acknowledged]) -> None:
    say(f"{what}: acknowledged {_spread([answer.after for answer in answers])}")
    if any(answer.told_after > answer.after for answer in answers):
        say(f"  told the run's number {_spread([answer.told_after for answer in answers])}")


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99) - 1]
    return f"median {statistics.median(ordered):.3f} s, p99 {p99:.3f} s, most {ordered[-1]:.3f} s"
