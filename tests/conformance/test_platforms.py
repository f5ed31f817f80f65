"""One suite for every chat platform: what people see, what they can do, and that nothing is done twice."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from bots.errors import Rejected
from bots.platform import (
    LONGEST_TEXT,
    Action,
    Choice,
    Command,
    Dropped,
    Field,
    File,
    Form,
    Heard,
    Home,
    HomeOpened,
    HomeSection,
    Key,
    Message,
    Place,
    Plot,
    Press,
    Reply,
    Rewritten,
    StageLine,
    Submitted,
    Table,
    Typed,
)
from tests.conformance.discord_rig import discord_rig
from tests.conformance.fake_rig import fake_rig, terminal_rig
from tests.conformance.rigs import ChatRig, ChatRigMaker, Recorder, Rig, RigMaker, Seen
from tests.conformance.slack_rig import slack_rig
from tests.fakes import Notes

CHATS: dict[str, ChatRigMaker] = {"fake": fake_rig, "slack": slack_rig, "discord": discord_rig}
PLATFORMS: dict[str, RigMaker] = {**CHATS, "terminal": terminal_rig}

R = TypeVar("R", bound=Rig)
NUMBERS = itertools.count(1)
ROOT = Message("root", "R-7", "R-7 BTC up or down", strong="R-7", footer="asked by Ann · in the queue")
CARD = Message(
    "card",
    "R-7",
    "R-7 at work",
    strong="R-7",
    stages=(
        StageLine("✓", "Data", "done", "25,920 rows", 0.4),
        StageLine("▸", "Training", "running", "XGBoost fold 3/5", since=datetime(2026, 1, 1, tzinfo=UTC)),
    ),
    lines=("Plan: 5m bars",),
    footer="step 2 of 7",
    actions=(Action("stop", "Stop", style="danger"), Action("details", "Details")),
    state="working",
)
QUESTION = Message(
    "question",
    "R-7",
    "How far ahead?",
    lines=("Choose, or answer in your own words.",),
    choices=(Choice("1h", recommended=True), Choice("4h")),
    deadline_words="Unanswered, it goes on with “1h” at",
    deadline=datetime(2026, 11, 26, 9, 30, tzinfo=UTC),
    interrupt_id="0123456789abcdef0123456789abcdef",
    actions=(Action("type", "Type my own", "0123456789abcdef0123456789abcdef"),),
)
FINISH = Message(
    "finish",
    "R-7",
    "Verdict: no edge for BTC up or down in the next hour.",
    strong="Verdict: no edge",
    lines=("• It was right 51.2 % of the time.", "• Costs eat what there is."),
    table=Table(
        ("Model", "Net %"),
        (False, True),
        (("LogReg", "−96.0"), ("hold", "−10.0")),
        marked=0,
        note="Net: after costs",
    ),
    plot=Plot("Return after costs", "%", (("LogReg", -96.0), ("hold", -10.0))),
    footer="R-7 · 41 s · not financial advice",
    actions=(Action("thumbs_up", "Useful"), Action("next", "Try 4h ahead", "now 4h ahead")),
)
NASTY = "<!channel> <@U1|x> @everyone @here *bold* _it_ ~s~ `code` ```fence``` <https://a.example|b> [c](https://d.example) &amp; ||x|| # h > q"


@pytest.fixture(params=PLATFORMS)
def make_rig(request: pytest.FixtureRequest) -> RigMaker:
    return PLATFORMS[str(request.param)]


@pytest.fixture(params=CHATS)
def make_chat(request: pytest.FixtureRequest) -> ChatRigMaker:
    return CHATS[str(request.param)]


def try_on(
    make_rig: Callable[[Recorder], AbstractAsyncContextManager[R]],
    story: Callable[[R, Recorder], Awaitable[None]],
    reply: Callable[[Heard], Reply] = lambda heard: Reply(),
) -> None:
    """Play a story on a platform whose conversation replies as told."""

    async def play() -> None:
        recorder = Recorder(reply)
        async with make_rig(recorder) as rig, asyncio.timeout(30):
            await story(rig, recorder)

    asyncio.run(play())


def key(*, in_doubt: bool = False) -> Key:
    return Key(f"key{next(NUMBERS)}", in_doubt)


def again(key: Key) -> Key:
    return Key(key.text, in_doubt=True)


async def open_thread(rig: Rig) -> Place:
    opened = await rig.platform.open_thread(rig.place, ROOT, key())
    return Place(rig.place.workspace, rig.place.channel, opened.thread)


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    while not await look():
        await asyncio.sleep(0.01)


async def last(rig: Rig, place: Place) -> Seen:
    return list(await rig.look(place))[-1]


def words(text: str) -> set[str]:
    """The words in a text, markup aside."""
    return {word for word in "".join(c if c.isalnum() else " " for c in text).split() if len(word) > 1}


def test_what_is_said_to_one_person_alone_stands_in_no_thread_and_comes_once(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, _: Recorder) -> None:
        place = await open_thread(rig)
        before = len(await rig.look(place))
        alone = key()
        first = await rig.platform.tell_alone(place.workspace, rig.ann, FINISH, alone)
        assert await rig.platform.tell_alone(place.workspace, rig.ann, FINISH, again(alone)) == first
        (said,) = await rig.told()
        assert words(FINISH.text()) <= words(said)
        assert len(await rig.look(place)) == before

    try_on(make_chat, story)


def test_everything_a_message_says_is_seen(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        place = await open_thread(rig)
        for message in (CARD, QUESTION, FINISH):
            await rig.platform.post(place, message, key())
        shown = " ".join(" ".join((seen.text, *seen.buttons)) for seen in await rig.look(place))
        moment = {"2026", "11", "26", "09", "30", "UTC"}  # each platform writes it its own way
        for message in (ROOT, replace(CARD, headline="", footer=""), QUESTION, FINISH):
            assert words(message.text()) - words(shown) <= moment

    try_on(make_rig, story)


def test_a_post_in_doubt_is_found_and_not_repeated(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        root, note = key(), key()
        opened = await rig.platform.open_thread(rig.place, ROOT, root)
        assert await rig.platform.open_thread(rig.place, ROOT, again(root)) == opened
        place = Place(rig.place.workspace, rig.place.channel, opened.thread)
        message = Message("notice", "R-7", "Said once.")
        first = await rig.platform.post(place, message, note)
        assert await rig.platform.post(place, message, again(note)) == first
        shown = " ".join(seen.text for seen in await rig.look(place))
        assert shown.count("Said once.") == 1

    try_on(make_rig, story)


def test_a_post_in_doubt_that_never_arrived_is_made(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        opened = await rig.platform.open_thread(rig.place, ROOT, key(in_doubt=True))
        place = Place(rig.place.workspace, rig.place.channel, opened.thread)
        await rig.platform.post(place, Message("notice", "R-7", "Said after all."), key(in_doubt=True))
        assert "Said after all." in (await last(rig, place)).text

    try_on(make_rig, story)


def test_an_edit_replaces_the_words_and_the_buttons(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        place = await open_thread(rig)
        posted = await rig.platform.post(place, QUESTION, key())
        if rig.platform.name in CHATS:
            assert (await last(rig, place)).buttons == ("1h (recommended)", "4h", "Type my own")
        closed = Message("question", "R-7", "How far ahead?", lines=("Ann answered “4h”.",))
        await rig.platform.edit(place, posted, closed)
        seen = await last(rig, place)
        assert seen.buttons == ()
        assert "Ann answered “4h”." in seen.text

    try_on(make_rig, story)


def test_a_message_that_is_gone_is_rejected(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        place = await open_thread(rig)
        with pytest.raises(Rejected):
            await rig.platform.edit(place, "1700000000000999", CARD)

    try_on(make_rig, story)


def test_the_longest_message_is_taken(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        place = await open_thread(rig)
        room = LONGEST_TEXT - len("Long\n\n")
        for filling in ("word ", "a&<>*_`~| "):
            lines = ((filling * LONGEST_TEXT)[: room // 2], (filling * LONGEST_TEXT)[: room - room // 2])
            message = Message("notice", "R-7", "Long", lines=lines)
            assert len(message.text()) == LONGEST_TEXT
            await rig.platform.post(place, message, key())
        assert "Long" in (await last(rig, place)).text

    try_on(make_rig, story)


def test_only_the_person_meant_is_called(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, _: Recorder) -> None:
        place = await open_thread(rig)
        await rig.platform.post(place, Message("notice", "R-7", NASTY, lines=(NASTY,), footer=NASTY), key())
        assert (await last(rig, place)).calls == ()
        await rig.platform.post(place, Message("finish", "R-7", NASTY, mention=rig.ann), key())
        seen = await last(rig, place)
        assert seen.calls == (rig.ann,)
        assert words(NASTY) <= words(seen.text)

    try_on(make_chat, story)


def test_files_come_once_and_with_words_for_those_who_do_not_see(make_rig: RigMaker) -> None:
    async def story(rig: Rig, _: Recorder) -> None:
        place = await open_thread(rig)
        await rig.platform.post(place, CARD, key())
        files = [
            File("report.md", "text/markdown", b"# Report"),
            File("charts/equity.png", "image/png", PNG, "Equity falls."),
        ]
        files_key, notes = key(), Notes()
        await rig.platform.upload(place, files, files_key, notes)
        await rig.platform.upload(place, files, again(files_key), notes)
        seen = await rig.look(place)
        names = sorted(name.rpartition("/")[2] for entry in seen for name in entry.files)
        assert names == ["equity.png", "report.md"]
        if rig.platform.name in CHATS:
            assert "Equity falls." in [alt for entry in seen for alt in entry.alts]

    try_on(make_rig, story)


def test_a_command_is_heard_and_answered_to_the_person_alone(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, recorder: Recorder) -> None:
        await rig.command("analyze will btc rise? --period 30d")
        heard = recorder.heard[-1]
        assert isinstance(heard, Command)
        assert (heard.speaker.external_id, heard.place.channel) == (rig.ann, rig.place.channel)
        said = " ".join((heard.name, heard.text, *heard.options.values()))
        assert words(said) >= words("analyze will btc rise 30d")
        assert heard.key
        assert any("R-7 is in the queue." in told for told in await rig.told())

    try_on(make_chat, story, reply=lambda heard: Reply("R-7 is in the queue."))


def test_what_takes_longer_is_told_afterwards(make_chat: ChatRigMaker) -> None:
    async def forecast() -> Reply:
        return Reply("Chance of a rise: 51 %.")

    async def story(rig: ChatRig, _: Recorder) -> None:
        await rig.command("analyze will btc rise?")

        async def told() -> bool:
            return any("51 %" in said for said in await rig.told())

        await until(told)
        assert "Working on it." in " ".join(await rig.told())

    try_on(make_chat, story, reply=lambda heard: Reply("Working on it.", later=forecast))


def test_a_button_is_heard_with_its_run_and_value(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, recorder: Recorder) -> None:
        place = await open_thread(rig)
        card = await rig.platform.post(place, CARD, key())
        question = await rig.platform.post(place, QUESTION, key())
        await rig.press(place, card, "Stop")
        await rig.press(place, question, "4h")
        stop, choose = (heard for heard in recorder.heard if isinstance(heard, Press))
        assert (stop.action, stop.run, stop.speaker.external_id) == ("stop", "R-7", rig.ann)
        assert (choose.action, choose.run, choose.value) == ("choose", "R-7", f"{QUESTION.interrupt_id}:1")
        assert stop.key
        assert stop.key != choose.key

    try_on(make_chat, story)


def test_a_button_opens_a_form_and_what_is_filled_in_is_heard(make_chat: ChatRigMaker) -> None:
    form = Form(
        "answer",
        "Your own answer",
        (
            Field("text", "Answer", "lines", required=True),
            Field("which", "Which", "choice", value="a", options=(("a", "The first"), ("b", "The second"))),
        ),
        submit="Send",
        cancel="Cancel",
        context="R-7|q1",
    )

    async def story(rig: ChatRig, recorder: Recorder) -> None:
        place = await open_thread(rig)
        question = await rig.platform.post(place, QUESTION, key())
        await rig.press(place, question, "Type my own")
        await rig.fill({"text": "two days & *more*", "which": "b"})
        heard = recorder.heard[-1]
        assert isinstance(heard, Submitted)
        assert (heard.form, heard.context) == ("answer", "R-7|q1")
        assert dict(heard.values) == {"text": "two days & *more*", "which": "b"}
        assert heard.key

    try_on(
        make_chat,
        story,
        reply=lambda heard: Reply(form=form) if isinstance(heard, Press) else Reply(),
    )


def test_what_people_write_in_a_thread_is_heard_as_they_wrote_it(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, recorder: Recorder) -> None:
        place = await open_thread(rig)
        message_id = await rig.type(place, "why not xgboost? costs < 5 & > 1")
        heard = recorder.heard[-1]
        assert isinstance(heard, Typed)
        assert heard.text == "why not xgboost? costs < 5 & > 1"
        assert (heard.place.thread, heard.speaker.external_id) == (place.thread, rig.ann)
        await rig.rewrite(place, message_id, "why not ridge?")
        await rig.rewrite(place, message_id, None)
        edited, deleted = (heard for heard in recorder.heard if isinstance(heard, Rewritten))
        assert (edited.message_id, edited.text) == (heard.key, "why not ridge?")
        assert (deleted.message_id, deleted.text) == (heard.key, None)

    try_on(make_chat, story)


def test_what_is_kept_is_acknowledged_without_a_word(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, _: Recorder) -> None:
        place = await open_thread(rig)
        before = len(await rig.look(place))
        message_id = await rig.type(place, "use 12 bps")

        async def acknowledged() -> bool:
            return len(await rig.reactions(message_id)) == 1

        await until(acknowledged)
        assert len(await rig.look(place)) - before <= 1

    try_on(make_chat, story, reply=lambda heard: Reply(reaction="kept"))


def test_an_act_that_is_delivered_twice_has_one_key(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, recorder: Recorder) -> None:
        place = await open_thread(rig)
        await rig.type(place, "now with eth")
        await rig.repeat()
        keys = {heard.key for heard in recorder.heard if isinstance(heard, Typed)}
        assert len(keys) == 1

    try_on(make_chat, story)


def test_a_dropped_file_can_be_read(make_chat: ChatRigMaker) -> None:
    async def story(rig: ChatRig, recorder: Recorder) -> None:
        place = await open_thread(rig)
        await rig.drop(place, "btc.csv", b"time,close\n1,2\n")

        async def heard() -> bool:
            return any(isinstance(heard, Dropped) for heard in recorder.heard)

        await until(heard)
        dropped = next(heard for heard in recorder.heard if isinstance(heard, Dropped))
        assert (dropped.name, dropped.size_bytes) == ("btc.csv", 15)
        assert await dropped.fetch() == b"time,close\n1,2\n"
        assert dropped.place.thread == place.thread

    try_on(make_chat, story)


def test_the_page_of_the_bot_shows_what_it_is_given(make_chat: ChatRigMaker) -> None:
    home = Home((HomeSection("Running", ("R-7 BTC <!here>",), (("R-7", Action("stop", "Stop")),)),))

    async def story(rig: ChatRig, recorder: Recorder) -> None:
        page = await rig.open_home()
        assert isinstance(recorder.heard[-1], HomeOpened)
        assert words("Running R-7 BTC here") <= words(page)

    try_on(make_chat, story, reply=lambda heard: Reply(home=home))


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000154a24f5d0000000049454e44ae426082"
)
