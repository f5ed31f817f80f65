"""Slack's refusals as the two kinds of failure that the delivery knows."""

import contextlib
from collections.abc import Iterator

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bots.errors import PlatformError, Rejected, TryLater

# Slack has not done it, and may do it later. Everything else it says is final.
PASSING = frozenset(
    {
        "ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "internal_error", "fatal_error",
        "request_timeout", "team_added_to_org", "accesslimited", "posting_to_channel_denied_temporarily",
    }
)  # fmt: skip
# These say that the request may have been carried out before it went wrong.
IN_DOUBT = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable"})
WORDS = {
    "channel_not_found": "the channel is gone, or the bot is not in it",
    "not_in_channel": "the bot is not in the channel: /invite it",
    "is_archived": "the channel is archived",
    "message_not_found": "the message was deleted",
    "thread_not_found": "the thread was deleted",
    "cant_update_message": "the message cannot be edited",
    "token_revoked": "the bot was removed from the workspace",
    "account_inactive": "the bot was removed from the workspace",
    "invalid_auth": "Slack does not accept the bot's token",
    "missing_scope": "the app lacks a permission: install it again with the manifest",
    "restricted_action": "an admin does not allow posting there",
    "file_upload_size_restricted": "a file is larger than the workspace allows",
    "storage_limit_reached": "the workspace has no room for files left",
}


def code_of(error: SlackApiError) -> str:
    """Slack's word for what is wrong."""
    with contextlib.suppress(AttributeError, TypeError, KeyError):
        return str(error.response.get("error") or "")
    return ""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turns what the SDK raises into TryLater or Rejected."""
    try:
        yield
    except SlackApiError as error:
        raise _from_answer(error) from error
    except aiohttp.ClientConnectorError as error:  # never reached Slack
        raise TryLater(f"Slack cannot be reached: {error}", in_doubt=False) from error
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError, ValueError) as error:
        raise TryLater(f"the connection to Slack broke: {error or type(error).__name__}") from error


def patience_of(error: SlackApiError) -> float | None:
    """For how many seconds Slack asks to be left alone, if that is what it says."""
    if _status(error) != 429 and code_of(error) not in ("ratelimited", "rate_limited"):
        return None
    headers = getattr(error.response, "headers", None) or {}
    seconds = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    return float(seconds) if str(seconds).replace(".", "", 1).isdigit() else 1.0


def _status(error: SlackApiError) -> int:
    response = error.response  # the SDK's, or aiohttp's where the body was unreadable
    return int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)


def _from_answer(error: SlackApiError) -> PlatformError:
    code = code_of(error)
    status = _status(error)
    wait = patience_of(error)
    if wait is not None:
        return TryLater("Slack asks for patience (429)", seconds=wait, in_doubt=False)
    if status >= 500:
        return TryLater(f"Slack has trouble ({status})")
    if code in PASSING:
        return TryLater(f"Slack says {code}", in_doubt=code in IN_DOUBT)
    if not code:
        return TryLater(f"Slack gave an answer nobody can read ({status})")
    return Rejected(WORDS.get(code, f"Slack says {code}"))
