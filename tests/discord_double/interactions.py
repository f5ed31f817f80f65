"""Commands, buttons and forms: what may be answered to them, when, and how often."""

import time
from collections.abc import Callable

from tests.discord_double.checks import check_modal
from tests.discord_double.world import EPHEMERAL, ApiError, Json, Pending, World

COMMAND, COMPONENT, COMPLETE, SUBMIT = 2, 3, 4, 5
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
TOKEN_SECONDS = 15 * 60.0


def find(world: World, token: str) -> Pending:
    if token not in world.interactions:
        raise ApiError(404, 10062, "Unknown interaction")
    return world.interactions[token]


def alive(world: World, token: str) -> Pending:
    """An interaction whose token still counts."""
    pending = find(world, token)
    if time.monotonic() - pending.begun > TOKEN_SECONDS:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    if pending.answered is None:
        raise ApiError(404, 10015, "Unknown Webhook")
    return pending


def answer(world: World, pending: Pending, body: Json, build: Callable[[Json], Json]) -> Json | None:
    """The first answer, within three seconds. Returns the message that was sent with it."""
    if pending.answered is not None:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    if time.monotonic() - pending.begun > world.seconds_to_answer:
        raise ApiError(404, 10062, "Unknown interaction")
    kind, data = body["type"], body.get("data") or {}
    allowed = {
        COMMAND: {MESSAGE, DEFERRED, MODAL},
        COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL},
        COMPLETE: {CHOICES},
        SUBMIT: {MESSAGE, DEFERRED, *((DEFERRED_UPDATE, UPDATE) if pending.on_message else ())},
    }[pending.kind]
    if kind not in allowed:
        raise ApiError(
            400,
            50035,
            f"Invalid Form Body: type {kind} does not answer an interaction of type {pending.kind}",
        )
    message = None
    match kind:
        case 4:
            message = say(world, pending, build(data), original=True)
        case 8:
            if len(data["choices"]) > 25 or any(len(choice["name"]) > 100 for choice in data["choices"]):
                raise ApiError(400, 50035, "Invalid Form Body: choices")
            pending.choices = data["choices"]
        case 9:
            check_modal(data)
            pending.modal = data
    pending.answered = kind
    pending.answered_at = time.monotonic()
    return message


def say(world: World, pending: Pending, message: Json, *, original: bool = False) -> Json:
    """Show a message to whoever acted, or to everybody when it is not marked as private."""
    message["flags"] |= 0
    if message["flags"] & EPHEMERAL:
        world.private.append({**message, "to": pending.user})
        message = world.private[-1]
    else:
        world.keep(pending.channel, message)
    if original:
        pending.original = message["id"]
        pending.told_at = time.monotonic()
    return {name: value for name, value in message.items() if name != "to"}


def original(world: World, pending: Pending) -> Json:
    for message in (*world.private, *world.messages[pending.channel].values()):
        if message["id"] == pending.original:
            return message
    raise ApiError(404, 10008, "Unknown Message")
