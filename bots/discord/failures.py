"""Discord's refusals as the two kinds of failure that the delivery knows."""

import contextlib
from collections.abc import Iterator

import aiohttp
import discord

from bots.errors import PlatformError, Rejected, TryLater

ARCHIVED = 50083
THREAD_EXISTS = 160004
ANSWERED = 40060
WORDS = {
    10003: "the channel is gone, or the bot was shut out of it",
    10004: "the bot was removed from the server",
    10008: "the message was deleted",
    40005: "a file is larger than Discord takes",
    ANSWERED: "that was answered already",
    50001: "the bot cannot see the channel: let it in under the channel's permissions",
    50005: "the message is not the bot's own",
    50007: "this person takes no private messages from the bot",
    50013: "the bot lacks a permission in the channel: it needs Send Messages, Send Messages in Threads, "
    "Create Public Threads, Attach Files, Add Reactions and Read Message History",
    50024: "there are no threads in this kind of channel",
    50083: "the thread is archived and locked",
}
# Discord cannot be asked now; nothing of what was asked has been done.
BANNED_SECONDS = 60.0


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns what the SDK raises into TryLater or Rejected."""
    try:
        yield
    except discord.RateLimited as error:
        raise TryLater(
            "Discord asks for patience (429)", seconds=error.retry_after, in_doubt=False
        ) from error
    except discord.HTTPException as error:
        raise _from_answer(error) from error
    except aiohttp.ClientConnectorError as error:  # never reached Discord
        raise TryLater(f"Discord cannot be reached: {error}", in_doubt=False) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise TryLater(f"the connection to Discord broke: {error or type(error).__name__}") from error


def _from_answer(error: discord.HTTPException) -> PlatformError:
    if error.status == 429:
        seconds = error.response.headers.get("Retry-After", "")
        wait = float(seconds) if seconds.replace(".", "", 1).isdigit() else BANNED_SECONDS
        return TryLater("Discord asks for patience (429)", seconds=wait, in_doubt=False)
    if error.status == 401:  # somebody may set the token right, and nothing has to be lost until then
        return TryLater("Discord does not accept the bot's token", seconds=BANNED_SECONDS, in_doubt=False)
    if error.status >= 500:
        return TryLater(f"Discord has trouble ({error.status})")
    said = " ".join(error.text.split())[:200]
    return Rejected(WORDS.get(error.code, f"Discord says {said or error.status}"))
