"""What is Discord's own: intents, sessions that cannot be resumed, components, limits, private answers in time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bots.discord.app import Discord, invitation
from bots.discord.markup import LONGEST_CONTENT, escape, fenced, pieces
from bots.discord.rendering import view_of
from bots.discord.settings import DiscordSettings
from bots.errors import Refusal, Rejected, TryLater
from bots.platform import (
    Action,
    Choice,
    Command,
    Dropped,
    Field,
    File,
    Form,
    Heard,
    Key,
    Message,
    OpenThread,
    Place,
    Press,
    Reply,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
)
from storage import events
from storage.database import Database
from tests.bots.stories import all_told, begin, delivering
from tests.conformance.discord_rig import discord_on, settings_for
from tests.conformance.rigs import Recorder, until
from tests.discord_double import DiscordDouble, Fault, Person, World
from tests.discord_double.checks import SELECT, text_of, walk
from tests.discord_double.world import SILENT, Json
from tests.fakes import Notes

ROOT = Message("root", "R-1", "R-1 BTC up or down", strong="R-1")
NOTE = Message("notice", "R-1", "Said once.")
QUESTION = Message(
    "question",
    "R-1",
    "How far ahead?",
    choices=(Choice("1h", recommended=True), Choice("4h")),
    interrupt_id="0123456789abcdef",
    actions=(Action("type", "Type my own", "0123456789abcdef"),),
)
FORM = Form("answer", "Answer", (Field("text", "Answer", "lines"),), "Send", "Cancel", "R-1|q1")


class Scene:
    """A double, the adapter on it, what it heard, and two people."""

    def __init__(self, double: DiscordDouble, platform: Discord, recorder: Recorder) -> None:
        self.double, self.platform, self.recorder = double, platform, recorder
        self.world = double.world
        self.ann = Person(double, "ann")

    @property
    def channel(self) -> Place:
        return Place(self.world.guild_id, self.world.channel_id)

    async def thread(self) -> Place:
        opened = await self.platform.open_thread(self.channel, ROOT, since("root1"))
        return replace(self.channel, thread=opened.thread)

    def messages(self, place: Place) -> list[Json]:
        return list(self.world.messages[place.thread].values())

    def heard(self, kind: type[Any]) -> list[Any]:
        return [heard for heard in self.recorder.heard if isinstance(heard, kind)]

    async def hears(self, kind: type[Any], times: int = 1) -> Any:
        await until(lambda: len(self.heard(kind)) >= times)
        return self.heard(kind)[-1]

    def sent(self, part: str) -> list[Any]:
        return [body for _, called, body in self.world.requests if part in called]


def since(text: str, *, in_doubt: bool = False) -> Key:
    return Key(text, in_doubt, datetime.now(UTC))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def on_discord(
    story: Callable[[Scene], Awaitable[None]],
    *,
    world: World | None = None,
    reply: Callable[[Heard], Reply] = lambda heard: Reply(),
    recorder: Recorder | None = None,
) -> None:
    async def play() -> None:
        listening = recorder or Recorder(reply)
        async with DiscordDouble(world).running() as double, discord_on(double, listening) as platform:
            async with asyncio.timeout(30):
                await story(Scene(double, platform, listening))
            assert double.world.complaints == []

    asyncio.run(play())


# Delivery.


@pytest.mark.parametrize(
    "fault", [Fault("POST .*/messages$", 503, after=True), Fault("POST .*/messages$", None, after=True)]
)
def test_a_post_that_may_have_arrived_is_found_by_its_mark_when_nonces_are_forgotten(fault: Fault) -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        scene.world.faults.append(replace(fault))
        with pytest.raises(TryLater) as raised:
            await scene.platform.post(place, NOTE, since("note1"))
        assert raised.value.in_doubt
        scene.world.nonces.clear()  # Discord keeps them for some minutes
        posted = await scene.platform.post(place, NOTE, since("note1", in_doubt=True))
        assert [message["id"] for message in scene.messages(place)] == [posted]

    on_discord(story)


def test_a_repeat_within_minutes_is_caught_by_discord_itself() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        first = await scene.platform.post(place, NOTE, since("note1"))
        assert await scene.platform.post(place, NOTE, since("note1")) == first
        assert len(scene.messages(place)) == 1

    on_discord(story)


def test_a_limit_on_the_rate_that_the_sdk_gives_up_on_is_waited_out_without_doubt() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        scene.world.faults.append(Fault("POST .*/messages$", 429, via=False, retry_after=7, html=True))
        with pytest.raises(TryLater) as raised:
            await scene.platform.post(place, NOTE, since("note1"))
        assert (raised.value.seconds, raised.value.in_doubt) == (7.0, False)
        scene.world.faults.append(Fault("POST .*/messages$", 429, retry_after=0.01))
        await scene.platform.post(place, NOTE, since("note1"))  # the SDK waits these out itself
        scene.world.faults.append(Fault("POST .*/messages$", 429, retry_after=99))
        with pytest.raises(TryLater) as raised:
            await scene.platform.post(place, NOTE, since("note2"))
        assert (raised.value.seconds, raised.value.in_doubt) == (99.0, False)

    on_discord(story)


def test_a_token_that_was_withdrawn_loses_nothing() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        token, scene.world.token = scene.world.token, "an.other.one"
        with pytest.raises(TryLater, match="token"):
            await scene.platform.post(place, NOTE, since("note1"))
        scene.world.token = token
        await scene.platform.post(place, NOTE, since("note1"))

    on_discord(story)


def test_only_what_must_be_noticed_makes_a_sound() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        for number, kind in enumerate(("card", "notice", "question", "finish", "failure")):
            await scene.platform.post(place, replace(NOTE, kind=kind), since(f"m{number}"))  # type: ignore[arg-type]
        loud = [not message["flags"] & SILENT for message in scene.messages(place)]
        assert loud == [False, False, True, True, True]

    on_discord(story)


def test_the_card_of_an_archived_thread_is_edited_all_the_same() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        posted = await scene.platform.post(place, NOTE, since("note1"))
        scene.world.channels[place.thread]["thread_metadata"]["archived"] = True
        await scene.platform.edit(place, posted, replace(NOTE, headline="Said anew."))
        assert text_of(scene.messages(place)[0]) == "Said anew."

    on_discord(story)


def test_a_long_name_fits_a_thread_and_a_thread_that_stands_is_used() -> None:
    async def story(scene: Scene) -> None:
        key = since("root1")
        long = replace(ROOT, headline="R-1 " + "will btc rise and fall " * 20)
        opened = await scene.platform.open_thread(scene.channel, long, key)
        thread = scene.world.channels[opened.thread]
        assert len(thread["name"]) <= 100
        assert thread["thread_metadata"]["auto_archive_duration"] == 10080
        assert await scene.platform.open_thread(scene.channel, long, replace(key, in_doubt=True)) == opened

    on_discord(story)


def test_many_files_come_in_as_few_messages_as_fit_and_one_too_large_is_named() -> None:
    async def story(scene: Scene) -> None:
        place, notes = await scene.thread(), Notes()
        files = [File(f"table{number}.csv", "text/csv", b"1,2") for number in range(11)]
        files += [File("charts/equity.png", "image/png", b"png", "Equity falls.")]
        files += [File("data.parquet", "application/octet-stream", bytes(10 * 1024 * 1024 + 1))]
        scene.world.faults.append(Fault("POST .*/messages$", 503, after=True))
        with pytest.raises(TryLater):
            await scene.platform.upload(place, files, since("files"), notes)
        await scene.platform.upload(place, files, since("files", in_doubt=True), notes)
        names = [[file["filename"] for file in message["attachments"]] for message in scene.messages(place)]
        assert [len(batch) for batch in names] == [10, 2]
        assert names[1][-1] == "equity.png"
        assert "data.parquet" in text_of(scene.messages(place)[0])
        assert "10.5 MB" in text_of(scene.messages(place)[0])

    on_discord(story)


# What people do.


def test_without_the_privileged_intent_mentions_and_replies_are_heard_and_the_rest_is_not_ignored() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        note = await scene.platform.post(place, NOTE, since("note1"))
        unheard = scene.ann.write(place.thread, "use 12 bps")
        await until(lambda: bool(scene.ann.told()))
        assert "Mention me" in text_of(scene.ann.told()[0])
        assert scene.world.messages[place.thread][unheard]["reactions"][0]["emoji"]["name"] == "❌"
        scene.ann.write(place.thread, f"<@{scene.world.bot}> use 12 bps")
        assert (await scene.hears(Typed)).text == "use 12 bps"
        scene.ann.write(place.thread, "four hours", reply_to=note)
        assert (await scene.hears(Typed, 2)).text == "four hours"
        scene.ann.write(place.thread, "once more unheard")
        scene.ann.write(scene.world.private_channel(scene.ann.id), "eth, next day")
        private = await scene.hears(Typed, 3)
        assert (private.text, private.place.direct) == ("eth, next day", True)
        assert len(scene.ann.told()) == 1

    on_discord(story, world=World(content_allowed=False))


def test_what_is_said_in_other_channels_is_left_alone_unless_the_bot_is_named() -> None:
    async def story(scene: Scene) -> None:
        scene.ann.write(scene.channel.channel, "lunch?")
        scene.ann.write(scene.channel.channel, f"<@{scene.world.bot}>, will btc rise?")
        typed = await scene.hears(Typed)
        assert (typed.text, typed.to_bot, typed.place) == ("will btc rise?", True, scene.channel)
        assert len(scene.recorder.heard) == 1

    on_discord(story)


def test_what_was_said_while_a_session_was_lost_is_read_back_once() -> None:
    recorder = Recorder(lambda heard: Reply(reaction="kept"))

    async def story(scene: Scene) -> None:
        place = await scene.thread()
        recorder.threads = (OpenThread(place, datetime.now(UTC) - timedelta(hours=1)),)
        scene.ann.write(place.thread, "before")
        await scene.hears(Typed)
        await until(lambda: "reactions" in scene.messages(place)[0])
        await scene.double.gateway.drop(resumable=False)
        scene.ann.write(place.thread, "meanwhile")
        assert (await scene.hears(Typed, 2)).text == "meanwhile"
        assert scene.double.gateway.identified == 2
        scene.ann.write(place.thread, "after")
        assert (await scene.hears(Typed, 3)).text == "after"
        assert [heard.text for heard in scene.heard(Typed)] == ["before", "meanwhile", "after"]

    on_discord(story, recorder=recorder)


def test_a_session_that_can_be_resumed_misses_nothing() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        await scene.double.gateway.drop(resumable=True)
        scene.ann.write(place.thread, "meanwhile")
        assert (await scene.hears(Typed)).text == "meanwhile"
        assert (scene.double.gateway.identified, scene.double.gateway.resumed) == (1, 1)

    on_discord(story)


def test_buttons_and_forms_work_after_a_restart() -> None:
    def reply(heard: Heard) -> Reply:
        return Reply(form=FORM) if isinstance(heard, Press) and heard.action == "type" else Reply("Noted.")

    async def play() -> None:
        recorder = Recorder(reply)
        async with DiscordDouble().running() as double:
            async with discord_on(double, recorder) as platform:
                scene = Scene(double, platform, recorder)
                place = await scene.thread()
                await platform.post(place, QUESTION, since("q1"))
                opened = scene.ann.press(scene.messages(place)[0], "Type my own")
                await until(lambda: opened.modal is not None)
            async with discord_on(double, recorder) as platform:
                scene.ann.submit(opened, {"text": "two days"})
                await until(lambda: any(isinstance(heard, Submitted) for heard in recorder.heard))
                scene.ann.press(scene.messages(place)[0], "4h")
                await until(lambda: any(getattr(heard, "action", "") == "choose" for heard in recorder.heard))
            pressed = next(heard for heard in recorder.heard if getattr(heard, "action", "") == "choose")
            assert (pressed.run, pressed.value) == ("R-1", "0123456789abcdef:1")  # type: ignore[union-attr]
            assert double.world.complaints == []

    asyncio.run(play())


def test_many_choices_make_a_list() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        many = replace(QUESTION, choices=tuple(Choice(f"coin{number}") for number in range(12)))
        await scene.platform.post(place, many, since("q1"))
        message = scene.messages(place)[0]
        lists = [part for part in walk(message["components"]) if part["type"] == SELECT]
        assert [len(part["options"]) for part in lists] == [12]
        scene.ann.press(message, "coin7")
        pressed = await scene.hears(Press)
        assert (pressed.action, pressed.value) == ("choose", "0123456789abcdef:7")

    on_discord(story)


def test_a_command_is_answered_in_time_however_long_it_takes_and_its_thread_is_linked() -> None:
    class Slow(Recorder):
        async def handle(self, heard: Heard) -> Reply:
            await asyncio.sleep(2.2)
            return await super().handle(heard)

    async def story(scene: Scene) -> None:
        given = scene.ann.slash(scene.channel.channel, "analyze", {"goal": "will btc rise?", "period": "30d"})
        command = await scene.hears(Command)
        assert (command.text, dict(command.options)) == ("will btc rise?", {"period": "30d"})
        await until(lambda: bool(scene.ann.told()))
        place = await scene.thread()
        await until(lambda: f"<#{place.thread}>" in text_of(scene.ann.told()[0]))
        assert text_of(scene.ann.told()[0]).startswith("R-1 is in the queue.")
        assert given.answered == 5

    on_discord(story, recorder=Slow(lambda heard: Reply("R-1 is in the queue.", run="R-1")))


def test_a_crowd_is_told_at_once_that_answers_will_come() -> None:
    open_the_door = asyncio.Event()

    class Stuck(Recorder):
        async def handle(self, heard: Heard) -> Reply:
            await open_the_door.wait()
            return await super().handle(heard)

    async def story(scene: Scene) -> None:
        people = [Person(scene.double, f"p{number}") for number in range(30)]
        given = [person.slash(scene.channel.channel, "analyze", {"goal": "btc"}) for person in people]
        await until(lambda: sum(pending.answered == 5 for pending in given) >= 18)
        open_the_door.set()
        await until(lambda: all(person.told() for person in people))

    on_discord(story, recorder=Stuck(lambda heard: Reply("R-1 is in the queue.")))


def test_an_answer_that_discord_no_longer_takes_comes_in_private() -> None:
    async def story(scene: Scene) -> None:
        scene.ann.slash(scene.channel.channel, "analyze", {"goal": "will btc rise?"})
        await until(lambda: bool(scene.ann.told()))
        told = scene.ann.told()[0]
        assert text_of(told) == "R-1 is in the queue."
        assert told["channel_id"] == scene.world.private_channel(scene.ann.id)

    world = World(seconds_to_answer=0.0)
    on_discord(story, world=world, reply=lambda heard: Reply("R-1 is in the queue."))


def test_a_form_that_comes_too_late_to_open_is_offered_by_a_button() -> None:
    class Slow(Recorder):
        async def handle(self, heard: Heard) -> Reply:
            if isinstance(heard, Command):
                await asyncio.sleep(2.2)
            return await super().handle(heard)

    async def story(scene: Scene) -> None:
        scene.ann.slash(scene.channel.channel, "analyze", {})
        await until(lambda: bool(scene.ann.told()))
        opened = scene.ann.press(scene.ann.told()[0], "Answer")
        await until(lambda: opened.modal is not None)

    on_discord(story, recorder=Slow(lambda heard: Reply(form=FORM)))


def test_long_answers_come_in_pieces_with_their_fences_closed() -> None:
    lines = "\n".join(f"row {number:4} " + "x" * 40 for number in range(100))

    async def story(scene: Scene) -> None:
        scene.ann.slash(scene.channel.channel, "coins", {})
        await until(lambda: len(scene.ann.told()) == 3)
        for message in scene.ann.told():
            assert message["content"].startswith("```\n")
            assert message["content"].endswith("\n```")
        together = "".join(
            message["content"].replace("```\n", "").replace("```", "") for message in scene.ann.told()
        )
        assert together.count("row ") == 100

    on_discord(story, reply=lambda heard: Reply(lines, fixed=True))


def test_a_channel_where_no_thread_can_be_opened_is_said_to_be_out_of_reach() -> None:
    async def story(scene: Scene) -> None:
        scene.ann.slash(scene.channel.channel, "analyze", {"goal": "will btc rise?"})
        assert (await scene.hears(Command)).place.unreachable

    on_discord(story, world=World(bot_may=1 << 10))


def test_a_command_in_a_thread_stays_in_it_and_managers_are_admins() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        boss = Person(scene.double, "boss", manages=True, locale="de")
        boss.slash(place.thread, "status", {"run": "R-1"})
        command = await scene.hears(Command)
        assert command.place == place
        assert (command.speaker.is_admin, command.speaker.language) == (True, "de")
        scene.ann.slash(place.thread, "status", {})
        assert not (await scene.hears(Command, 2)).speaker.is_admin

    on_discord(story)


def test_options_are_completed_and_described_in_the_language_of_the_reader() -> None:
    class Knowing(Recorder):
        async def suggest(self, speaker: Any, option: str, typed: str) -> list[str]:
            return [f"R-142 {option} {typed}" + "." * 120]

    async def story(scene: Scene) -> None:
        asked = scene.ann.complete(scene.channel.channel, "status", "run", "btc")
        await until(lambda: asked.choices is not None)
        assert asked.choices is not None
        assert asked.choices[0]["value"] == "R-142"
        assert len(asked.choices[0]["name"]) <= 100
        group = scene.world.commands[0]
        status = next(command for command in group["options"] if command["name"] == "status")
        assert status["description"] == "how a run stands, or what is going on"
        assert status["description_localizations"]["de"] == "wie ein Lauf steht, oder was gerade läuft"

    on_discord(story, recorder=Knowing())


def test_somebody_who_takes_no_private_messages_is_told_in_the_thread() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        scene.world.closed_to_bot.add(scene.ann.id)
        scene.ann.write(place.thread, "1h")
        await until(lambda: len(scene.messages(place)) == 2)
        assert text_of(scene.messages(place)[-1]) == "That is not yours to answer."
        assert scene.messages(place)[-1]["mentions"] == []

    on_discord(story, reply=lambda heard: Reply("That is not yours to answer.", ok=False))


def test_a_message_that_is_edited_or_deleted_after_a_restart_is_known_from_reading_back() -> None:
    recorder = Recorder()

    async def play() -> None:
        async with DiscordDouble().running() as double:
            async with discord_on(double, recorder) as platform:
                scene = Scene(double, platform, recorder)
                place = await scene.thread()
                recorder.threads = (OpenThread(place, datetime.now(UTC) - timedelta(hours=1)),)
                message_id = scene.ann.write(place.thread, "with 12 bps")
                await scene.hears(Typed)
            async with discord_on(double, recorder):
                await scene.hears(Typed, 2)  # read back, under the same key
                scene.ann.rewrite(place.thread, message_id, None)
                gone = await scene.hears(Rewritten)
            assert (gone.message_id, gone.text, gone.speaker.external_id) == (message_id, None, scene.ann.id)
            assert {heard.key for heard in scene.heard(Typed)} == {message_id}

    asyncio.run(play())


def test_thumbs_under_a_message_of_the_bot_are_heard() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        posted = await scene.platform.post(place, replace(NOTE, kind="finish"), since("m1"))
        own = scene.ann.write(place.thread, "nice")
        scene.ann.react(place.thread, own, "👍")
        scene.ann.react(place.thread, posted, "👎")
        pressed = await scene.hears(Press)
        assert (pressed.action, pressed.place.thread, pressed.value) == ("thumbs_down", place.thread, posted)
        assert len(scene.heard(Press)) == 1

    on_discord(story)


def test_files_alone_are_taken_in_without_words() -> None:
    async def story(scene: Scene) -> None:
        scene.ann.write(scene.channel.channel, f"<@{scene.world.bot}>", {"btc.csv": b"1,2"})
        dropped = await scene.hears(Dropped)
        assert (dropped.name, await dropped.fetch()) == ("btc.csv", b"1,2")
        assert scene.heard(Typed) == []

    on_discord(story)


# Getting in.


@pytest.mark.parametrize("token", ["", "Bot abc.def.ghi", "abc"])
def test_a_token_that_cannot_be_one_is_refused_in_words(token: str) -> None:
    with pytest.raises(Refusal, match="DISCORD_BOT_TOKEN"):
        DiscordSettings(discord_bot_token=token).require()


def test_a_token_that_discord_does_not_know_ends_the_bot_in_words() -> None:
    async def play() -> None:
        async with DiscordDouble().running() as double:
            platform = Discord(settings_for(double))
            double.world.token = "an.other.one"
            with pytest.raises(Refusal, match="does not accept DISCORD_BOT_TOKEN"):
                await platform.run(Recorder())

    asyncio.run(play())


def test_a_bot_that_starts_while_discord_is_away_waits_for_it() -> None:
    async def play() -> None:
        async with DiscordDouble().running() as double:
            double.world.faults.append(Fault("GET /users/@me", 503))
            async with asyncio.timeout(20), discord_on(double, Recorder()):
                assert double.gateway.identified == 1

    asyncio.run(play())


def test_the_invitation_asks_for_what_the_bot_needs() -> None:
    async def play() -> str:
        async with DiscordDouble().running() as double:
            return await invitation(settings_for(double))

    link = asyncio.run(play())
    assert "permissions=309237763136" in link
    assert "scope=bot+applications.commands" in link


# Markup.


def test_text_is_literal_and_calls_nobody() -> None:
    assert escape("*a* <@1> [b](c)") == r"\*a\* \<@1\> \[b\](c)"
    assert escape("# big\n- point\n+1") == "\\# big\n\\- point\n\\+1"
    assert "@everyone" not in escape("hey @everyone")
    assert fenced("a```b").count("```") == 2


def test_pieces_fit_and_lose_nothing() -> None:
    text = "before\n" + fenced("\n".join("y" * 90 for _ in range(60))) + "\nafter " + "z" * 4500
    found = pieces(text)
    assert all(len(piece) <= LONGEST_CONTENT for piece in found)
    assert all(piece.count("```") % 2 == 0 for piece in found)
    assert sum(piece.count("y") for piece in found) == 60 * 90
    assert sum(piece.count("z") for piece in found) == 4500


def test_the_worst_text_still_fits_a_message() -> None:
    view = view_of(Message("finish", "R-1", "*" * 1899, mention="1" * 20, footer="_"))
    assert view.content_length() <= 4000


def test_a_word_of_a_rejection_says_what_to_do() -> None:
    async def story(scene: Scene) -> None:
        place = await scene.thread()
        del scene.world.channels[place.thread]
        with pytest.raises(Rejected, match="the channel is gone"):
            await scene.platform.post(place, NOTE, since("note1"))

    on_discord(story)


def test_the_asker_hears_alone_what_a_deleted_thread_does_not_take(
    database: Database, tmp_path: Path
) -> None:
    async def story(scene: Scene) -> None:
        world = scene.world
        ann = Speaker("discord", world.guild_id, scene.ann.id, "Ann")
        runs = [begin(database, ann, platform="discord", channel=world.channel_id) for _ in range(2)]
        told, other = runs
        async with delivering(database, scene.platform, tmp_path):
            await until(lambda: all(all_told(database, run) for run in runs))
            for run in runs:
                await asyncio.to_thread(run.take)
                del world.channels[run.row().thread]
            await asyncio.to_thread(told.complete)
            await until(lambda: all_told(database, told))
            (said,) = scene.ann.told()
            assert "Verdict: no edge" in text_of(said)
            assert f"the thread of {told.run} cannot be reached (the channel is gone" in text_of(said)
            world.closed_to_bot.add(scene.ann.id)
            await asyncio.to_thread(other.fail, "No prices.")
            await until(lambda: all_told(database, other))
        assert len(scene.ann.told()) == 1
        with database.begin() as db:
            reasons = {event.kind: str(event.error) for event in events.given_up(db)}
        assert reasons["completed"].endswith("; the asker was told in private")
        assert reasons["failed"].endswith(
            "nor could the asker be told: this person takes no private messages from the bot"
        )

    on_discord(story)
