"""What people write in threads: an answer, a remark for the next stage, or the goal of a follow-up."""

from collections.abc import Callable

from bots import access, catalog, runs
from bots.asking import Asked
from bots.errors import Refusal
from bots.platform import Command, Reply, Rewritten, Typed
from bots.text import clean
from storage import heard, remarks, sessions
from storage.models import AnalysisSession

# Said in a thread, these stop the run; the others are kindness and ask for nothing.
STOPS = frozenset({"stop", "cancel", "abort", "halt", "stopp", "abbrechen", "anhalten"})
KINDNESS = frozenset(
    {
        "thanks", "thank you", "thx", "ty", "great", "nice", "cool", "ok", "okay", "good", "perfect", "lol", "👍", "🙏",
        "danke", "vielen dank", "super", "toll", "prima", "gut", "merci",
    }
)  # fmt: skip


def typed(asked: Asked, said: Typed, command: Callable[[Asked, Command], Reply]) -> Reply:
    """What a message in a thread, or to the bot, comes to. Chatter of others is left alone. Raises Refusal."""
    text = clean(said.text).strip()
    row = asked.newest_here()
    if row is None:
        if said.to_bot or said.place.direct:
            return command(asked, Command(said.speaker, said.place, "", text))
        return Reply()
    spec = catalog.find(text.split(" ")[0].strip(",:!?")) if text else None
    if catalog.is_greeting(text) and (said.to_bot or row.status in sessions.TERMINAL):
        return Reply(asked.words("greeting"))
    if said.to_bot and spec is not None and spec.name != "analyze":
        return command(asked, Command(said.speaker, said.place, "", text))
    if not text:
        return Reply()
    return _in_thread(asked, said, row, text)


def _in_thread(asked: Asked, said: Typed, row: AnalysisSession, text: str) -> Reply:
    mine = access.may_steer(row, asked.user, asked.rights)
    plain = text.casefold().strip(" .!")
    if mine and plain in STOPS and row.status in ("queued", "running", "awaiting_user"):
        return runs.cancel(asked, "")
    match row.status:
        case "awaiting_user":
            reply = runs.give_answer(asked, row, text)
            return Reply(run=reply.run, reaction="done") if reply.ok else reply
        case "queued" | "running":
            if not mine:
                if said.to_bot:
                    access.require_steering(asked.db, row, asked.user, asked.rights, asked.words)
                return Reply()
            if plain in KINDNESS:
                return Reply()
            kept = runs.check_answer(text, asked.words)
            name = asked.user.display_name
            remarks.keep(asked.db, row.id, kept, message_id=asked.key, said_by=name)
            return Reply(run=f"R-{row.number}", reaction="kept")
        case _:
            if plain in KINDNESS:
                return Reply(reaction="done") if mine else Reply()
            if not mine and not said.to_bot:
                return Reply()
            reply = runs.follow(asked, row, text)
            return Reply(run=reply.run, reaction="done")


def rewritten(asked: Asked, said: Rewritten) -> Reply:
    """Take in an edited or deleted message, if nothing has used it yet."""
    known = heard.find(asked.db, said.speaker.platform, said.speaker.workspace, said.message_id)
    if known is None or known.session_id is None:
        return Reply()
    text = None
    if said.text is not None:
        text = clean(said.text).strip()
        if not text:
            return Reply()
        text = runs.check_goal(text, asked.words)
    row = asked.db.get(AnalysisSession, known.session_id)
    if row is None or not access.may_steer(row, asked.user, asked.rights):
        return Reply()
    what = remarks.rewrite(asked.db, row.id, said.message_id, text)
    name = f"R-{row.number}"
    if what == "answer" and text is not None:
        asked.wake(row, first=True)
    if what == "used":
        raise Refusal(asked.words("kept.gone", run=name))
    return Reply(asked.words("kept.changed", run=name), run=name) if what else Reply()
