"""`python -m benchmarks.chat acks|storm [--platform slack|discord]`: `omc bot` as real processes, chats on loopback.

acks    the time from a command to its acknowledgement, at 20 a second and in a burst of 200; root and card;
        start, memory and CPU of the bot process
storm   100 runs in 20 threads while two bots and two workers are killed at random moments and the platform answers
        429 and breaks connections: every thread must hold every message once and in order

Without a platform both are measured, one after the other.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.chat.acks import acks
from benchmarks.chat.discord_chat import discord
from benchmarks.chat.processes import Processes, say
from benchmarks.chat.slack_chat import slack
from benchmarks.chat.storm import storm
from storage.database import Database, upgrade
from storage.embedded import ServiceSettings, connect

CHATS = {"slack": slack, "discord": discord}


async def measure(platform: str, given: argparse.Namespace) -> None:
    """Measure one thing on one platform, on servers and in a folder of its own."""
    home = Path(tempfile.mkdtemp(prefix="omc-chat-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    services = connect(ServiceSettings(), home, grace_seconds=0)
    upgrade(services.database_url)
    database = Database(services.database_url)
    try:
        async with CHATS[platform]() as chat:
            processes = Processes(platform, services, home, chat.settings)
            try:
                if given.what == "acks":
                    say(platform)
                    await acks(chat, processes)
                else:
                    await storm(chat, processes, home, database, threads=given.threads, runs=given.runs)
            finally:
                processes.stop()
    finally:
        database.close()
        services.close()
        await asyncio.sleep(2)  # the servers end
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    summary, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("acks", "storm"))
    parser.add_argument("--platform", choices=tuple(CHATS))
    parser.add_argument("--threads", type=int, default=20, help="Of the storm.")
    parser.add_argument("--runs", type=int, default=5, help="In each thread of the storm.")
    given = parser.parse_args()
    # What was started is stopped in every case.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    for platform in (given.platform,) if given.platform else CHATS:
        asyncio.run(measure(platform, given))


if __name__ == "__main__":
    main()
