"""`python -m benchmarks.chat [acks|storm]`: `omc bot slack` as a real process against a Slack on loopback.

acks    the time from a command to its acknowledgement, at 20 a second and in a burst of 200; root and card;
        memory and CPU of the bot process
storm   100 runs in 20 threads while two bots and two workers are killed at random moments and Slack answers 429 and
        breaks connections: every thread must hold every message once and in order
"""

import asyncio
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from storage.embedded import Services, ServiceSettings, connect
from tests.jobs.scripted import Orders, work
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, Fault, Posted

RATE, SECONDS, BURST = 20, 15, 200
THREADS, RUNS = 20, 5
SCRIPT = "stage planning\nstage data_retrieval\nstage model_training\nstage reporting"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Processes:
    """Bots and workers that can be killed and started again."""

    def __init__(self, slack: SlackDouble, services: Services, home: Path) -> None:
        self._home = home
        self._env = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "DATABASE_URL": services.database_url,
            "REDIS_URL": services.redis_url,
            "OMC_HOME": str(home),
            "SLACK_API_BASE": slack.base,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "MAX_CONCURRENT_SESSIONS": "10000",
        }
        self._services = services
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def bot(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(name, [sys.executable, "-m", "bots.cli", "bot", "slack"])

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        return self._start(name, [sys.executable, "-m", "benchmarks.chat", "worker", str(self._home)])

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=self._env, stdout=log, stderr=log)
        return self.running[name]


async def until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise SystemExit(f"waited {seconds:.0f} s in vain until {what}") from None


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1024


async def acks(slack: SlackDouble, processes: Processes) -> None:
    """Acknowledgements of `/omc analyze`, each of which writes a run's rows."""
    slack.patience_seconds = 60.0  # late ones are measured as well
    began = time.monotonic()
    bot = processes.bot("bot-1")
    await until(lambda: slack.sockets, "the bot is there")
    say(
        f"start: {cpu_seconds(bot.pid):.2f} CPU s, {time.monotonic() - began:.2f} s, {megabytes(bot.pid):.0f} MB"
    )

    async def ask(number: int) -> float:
        at = time.perf_counter()
        await slack.slash(f"will btc rise? {number}", user=f"U-{number % 50}", channel=f"C{number % 50}")
        return time.perf_counter() - at

    for number in range(50):  # people are known after this
        await ask(number)
    seen, at = len(slack.messages), time.perf_counter()
    await slack.slash("will btc rise? root", user="U-root", channel="C-root")
    await until(lambda: sum(m.channel == "C-root" for m in slack.messages.values()) == 2, "root and card")
    say(f"root and card: {time.perf_counter() - at:.2f} s after the command ({seen} messages before)")
    used = cpu_seconds(bot.pid)
    tasks = []
    for number in range(RATE * SECONDS):
        tasks.append(asyncio.create_task(ask(number)))
        await asyncio.sleep(1 / RATE)
    report(f"{RATE} a second for {SECONDS} s", [await task for task in tasks])
    say(
        f"  {(cpu_seconds(bot.pid) - used) / (RATE * SECONDS) * 1000:.1f} CPU ms of the bot a command, posts included"
    )
    report(f"a burst of {BURST}", await asyncio.gather(*(ask(number) for number in range(BURST))))
    say(f"memory after {RATE * SECONDS + BURST} commands: {megabytes(bot.pid):.0f} MB")


def report(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99) - 1]
    say(f"{what}: median {statistics.median(ordered):.3f} s, p99 {p99:.3f} s, most {ordered[-1]:.3f} s")


async def storm(slack: SlackDouble, processes: Processes) -> None:
    """Runs in threads, one after the other in each, while everything is being killed."""
    chance = random.Random(11)
    starts = {
        "bot-1": processes.bot,
        "bot-2": processes.bot,
        "worker-1": processes.worker,
        "worker-2": processes.worker,
    }
    for name, start in starts.items():
        start(name)
    await until(lambda: len(slack.sockets) == 2, "two bots are there")
    ended = asyncio.Event()
    killed = 0

    async def killer() -> None:
        nonlocal killed
        while not ended.is_set():
            await asyncio.sleep(chance.uniform(1.0, 4.0))
            name = chance.choice(list(starts))
            processes.kill(name)
            starts[name](name)
            killed += 1
            slack.faults["chat.postMessage"] += [
                Fault("cut", after=True),
                Fault("429", times=3, retry_after=0.5),
            ]
            slack.faults["chat.update"] += [Fault("429", times=3, retry_after=0.5), Fault("500")]

    async def deliver(act: Callable[[], object]) -> None:
        """Slack delivers an event again until it is acknowledged; a command it does not, so a person repeats it."""
        while True:
            try:
                await act()  # type: ignore[misc]
                return
            except (TimeoutError, ConnectionError, OSError):
                await asyncio.sleep(0.2)

    async def person(number: int) -> str:
        user, channel = f"U-{number}", f"C{number}"
        trigger = f"thread-{number}"
        payload = {
            "token": "x", "command": "/omc", "text": SCRIPT + "\nask", "team_id": "T1", "user_id": user,
            "user_name": user, "channel_id": channel, "channel_name": "research", "trigger_id": trigger,
            "response_url": f"{slack.base}/response/{user}", "api_app_id": "A1",
        }  # fmt: skip
        await deliver(lambda: slack.send("slash_commands", payload))
        await until(lambda: roots(channel), f"{channel} has a root", 300)
        (root,) = roots(channel)
        await until(lambda: any("Which coin?" in m.text for m in slack.thread(root.ts)), "a question", 300)
        await reply(user, channel, root.ts, "btc")
        for run in range(1, RUNS):
            await until(lambda run=run: finishes(root.ts) == run, f"finish {run} in {channel}", 300)  # type: ignore[misc]
            await reply(user, channel, root.ts, SCRIPT + f"\nstage run{run}")
        await until(lambda: finishes(root.ts) == RUNS, f"the last finish in {channel}", 300)
        return root.ts

    async def reply(user: str, channel: str, thread: str, text: str) -> None:
        event = slack.write(text, user, channel, thread)
        await deliver(lambda: slack.event(event))

    def roots(channel: str) -> list[Posted]:
        return [m for m in slack.messages.values() if m.channel == channel and not m.thread_ts]

    def finishes(thread: str) -> int:
        return sum("The report is ready." in m.text for m in slack.thread(thread))

    began = time.monotonic()
    killing = asyncio.create_task(killer())
    try:
        threads = await asyncio.gather(*(person(number) for number in range(THREADS)))
    finally:
        ended.set()
        killing.cancel()
    await asyncio.sleep(2)
    wrong = list(slack.complaints)
    for thread in threads:
        kinds = [kind_of(message) for message in slack.thread(thread)]
        expected = ["root", "card", "question", "person", "finish"] + ["person", "root", "card", "finish"] * (
            RUNS - 1
        )
        if kinds != expected:
            wrong.append(f"thread {thread}: {' '.join(kinds)}")
    say(
        f"{THREADS * RUNS} runs in {THREADS} threads, {killed} kills, {time.monotonic() - began:.0f} s: "
        f"{'nothing lost, nothing twice, order kept' if not wrong else f'{len(wrong)} WRONG'}"
    )
    for line in wrong[:10]:
        say(f"  {line}")
    if wrong:
        raise SystemExit(1)


def kind_of(message: Posted) -> str:
    if message.user != "UBOT":
        return "person"
    for kind, words in (
        ("finish", "The report is ready."),
        ("question", "Which coin?"),
        ("root", "asked by"),
    ):
        if words in message.text:
            return kind
    return "card"


async def main(what: str) -> None:
    home = Path(tempfile.mkdtemp(prefix="omc-chat-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    services = connect(ServiceSettings(), home, grace_seconds=0)
    from storage.database import upgrade

    upgrade(services.database_url)
    try:
        async with SlackDouble().serving() as slack:
            processes = Processes(slack, services, home)
            try:
                await {"acks": acks, "storm": storm}[what](slack, processes)
            finally:
                processes.stop()
    finally:
        services.close()
        await asyncio.sleep(2)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        folder = Path(sys.argv[2])
        addresses = Orders(os.environ["DATABASE_URL"], os.environ["REDIS_URL"], folder)
        work(addresses, folder / "workers.log")
    else:
        for part in sys.argv[1:] or ["acks", "storm"]:
            asyncio.run(main(part))
