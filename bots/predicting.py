"""What the model of a finished run says now: worked out in a process of its own, because bots never load the engine."""

import asyncio
import json
import sys
from datetime import UTC, datetime

from bots import forecasts
from bots.platform import Reply
from bots.text import one_line
from bots.words import Words

SECONDS = 180


async def predict(run: str, words: Words) -> Reply:
    """The forecasts of a run in words, or why there are none."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bots.cli", "predict", run, "--json", "--language", words.language,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            out, said = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        return Reply(words("predict.failed", run=run, why=f"{SECONDS} s"), ok=False, run=run)
    if child.returncode != 0:
        why = one_line(said.decode(errors="replace"), 500)
        return Reply(words("predict.failed", run=run, why=why), ok=False, run=run)
    now = datetime.now(UTC)
    told = [forecasts.tell(run, forecast, now, words) for forecast in json.loads(out)]
    return Reply("\n\n".join(told), run=run)
