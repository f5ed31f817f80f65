"""What is Slack's own: signatures, native blocks, doubts and rate limits, installations, uploads in two steps."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bots.errors import Refusal, Rejected, TryLater
from bots.platform import File, Key, Message, Place, Reply, Speaker, Table
from bots.slack.app import Listening, Slack
from bots.slack.clients import Workspaces
from bots.slack.rendering import blocks_of, fallback
from bots.slack.serving import MANIFEST, scopes
from bots.slack.settings import SlackSettings
from storage import events, installations
from storage.database import Database
from storage.sealing import Seal, SealError
from tests.bots.stories import all_told, begin, delivering
from tests.conformance.rigs import Recorder, until
from tests.conformance.slack_rig import slack_on
from tests.fakes import Notes
from tests.slack_double import SlackDouble
from tests.slack_double.server import BOT_TOKEN, BOT_USER, SECRET, TEAM, Fault

CHANNEL = Place(TEAM, "C1")
NOTE = Message("notice", "R-1", "Said once.")
TABLE = Message(
    "finish",
    "R-1",
    "Verdict: no edge",
    table=Table(("Model", "Net %"), (False, True), (("LogReg", "−96.0"),)),
)
KEYS = "first-key-of-sixteen-characters"


def since(text: str, *, in_doubt: bool = False) -> Key:
    return Key(text, in_doubt, datetime.now(UTC))


def on_slack(
    story: Callable[[SlackDouble, Slack, Recorder], Awaitable[None]], double: SlackDouble | None = None
) -> None:
    async def play() -> None:
        recorder = Recorder()
        async with (double or SlackDouble()).serving() as slack, slack_on(slack, recorder) as platform:
            async with asyncio.timeout(30):
                await story(slack, platform, recorder)
            assert slack.complaints == []

    asyncio.run(play())


async def opened(platform: Slack) -> Place:
    root = await platform.open_thread(CHANNEL, Message("root", "R-1", "R-1"), since("root1"))
    return replace(CHANNEL, thread=root.thread)


@pytest.mark.parametrize("kind", ["500", "cut"])
def test_a_post_that_may_have_arrived_is_looked_up_by_its_metadata(kind: str) -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        slack.faults["chat.postMessage"] = [Fault(kind, after=True)]
        with pytest.raises(TryLater) as raised:
            await platform.post(place, NOTE, since("note1"))
        assert raised.value.in_doubt
        await platform.post(place, NOTE, since("note1", in_doubt=True))
        assert [message.text.strip() for message in slack.thread(place.thread)] == ["R-1", "Said once."]

    on_slack(story)


def test_a_rate_limit_is_waited_out_and_leaves_no_doubt() -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        slack.faults["chat.postMessage"] = [Fault("429", retry_after=30)]
        with pytest.raises(TryLater) as raised:
            await platform.post(place, NOTE, since("note1"))
        assert (raised.value.seconds, raised.value.in_doubt) == (30, False)
        asked = len(slack.calls)
        with pytest.raises(TryLater) as again:
            await platform.post(place, NOTE, since("note2"))
        assert len(slack.calls) == asked, "Slack is left alone for as long as it asked"
        assert again.value.seconds is not None
        assert 25 < again.value.seconds <= 30

    on_slack(story)


def test_a_look_up_that_is_limited_leaves_the_doubt() -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        await platform.post(place, NOTE, since("note1", in_doubt=True))
        with pytest.raises(TryLater) as raised:
            await platform.post(place, NOTE, since("note2", in_doubt=True))
        assert raised.value.in_doubt

    on_slack(story, SlackDouble(marketplace=False))


def test_a_long_thread_is_looked_through_to_its_end() -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        for number in range(20):
            await platform.post(place, NOTE, since(f"n{number}"))
        first = await platform.post(place, NOTE, since("n19", in_doubt=True))
        assert first == slack.thread(place.thread)[-1].ts
        assert len(slack.thread(place.thread)) == 21

    on_slack(story)


def test_native_tables_give_way_to_text_where_slack_refuses_them() -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        await platform.post(place, TABLE, since("t1"))
        (told,) = slack.thread(place.thread)[1:]
        assert [block["type"] for block in told.now["blocks"]] == ["rich_text", "rich_text"]
        assert "LogReg −96.0" in told.text
        asked = len(slack.calls)
        await platform.post(place, TABLE, since("t2"))
        assert len(slack.calls) == asked + 1, "what a workspace refuses is not tried again"

    on_slack(story, SlackDouble(native=False))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("channel_not_found", Rejected),
        ("is_archived", Rejected),
        ("internal_error", TryLater),
        ("503", TryLater),
    ],
)
def test_refusals_are_told_from_trouble(code: str, error: type[Exception]) -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        slack.faults["chat.postMessage"] = [Fault(code)]
        with pytest.raises(error):
            await platform.open_thread(CHANNEL, NOTE, since("r"))

    on_slack(story)


def test_an_upload_goes_on_where_it_broke() -> None:
    files = [File("a.txt", "text/plain", b"a"), File("charts/b.png", "image/png", b"bb", "What b shows")]

    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place, notes = await opened(platform), Notes()
        slack.faults["upload"] = [Fault("500")]
        with pytest.raises(TryLater):
            await platform.upload(place, files, since("f"), notes)
        slack.faults["files.completeUploadExternal"] = [Fault("cut", after=True)]
        with pytest.raises(TryLater):
            await platform.upload(place, files, since("f", in_doubt=True), notes)
        await platform.upload(place, files, since("f", in_doubt=True), notes)
        shown = [file["name"] for message in slack.thread(place.thread) for file in message.files]
        assert shown == ["a.txt", "b.png"]

    on_slack(story)


def test_both_events_of_a_mention_are_one_act_and_strangers_talk_is_left_alone() -> None:
    async def story(slack: SlackDouble, platform: Slack, recorder: Recorder) -> None:
        await slack.event(slack.write(f"<@{BOT_USER}> will btc rise?"))
        assert len({heard.key for heard in recorder.heard if hasattr(heard, "key")}) == 1
        assert {(heard.text, heard.to_bot) for heard in recorder.heard} == {("will btc rise?", True)}  # type: ignore[union-attr]
        before = len(recorder.heard)
        await slack.event(slack.write("lunch?"))
        await slack.event({**slack.write("beep"), "bot_id": "B9"})
        assert len(recorder.heard) == before

    on_slack(story)


def test_a_private_channel_without_the_bot_is_noticed() -> None:
    async def story(slack: SlackDouble, platform: Slack, recorder: Recorder) -> None:
        await slack.slash("btc", channel="G-secret", name="privategroup")
        await slack.slash("btc", channel="G-open", name="privategroup")
        assert [heard.place.unreachable for heard in recorder.heard if heard.place] == [True, False]

    on_slack(story)


def test_what_slack_knows_of_a_person_travels_along() -> None:
    async def story(slack: SlackDouble, platform: Slack, recorder: Recorder) -> None:
        slack.people["U-klara"] = {"locale": "de-DE", "tz": "Europe/Berlin", "is_admin": True}
        slack.faults["users.info"] = [Fault("500")]
        await slack.slash("status", user="U-klara")
        await slack.slash("status", user="U-klara")
        unknown, klara = (heard.speaker for heard in recorder.heard)
        assert (unknown.display_name, unknown.is_admin) == ("klara", False)
        assert (klara.language, klara.zone, klara.is_admin) == ("de-DE", "Europe/Berlin", True)

    on_slack(story)


def test_a_form_says_what_is_wrong_in_the_form() -> None:
    from bots.platform import Field, Form, Press

    form = Form("analyze", "New", (Field("goal", "Goal", required=True),), "Send", "Cancel")

    async def story(slack: SlackDouble, platform: Slack, recorder: Recorder) -> None:
        recorder.reply = lambda heard: Reply(form=form)
        await slack.slash("")
        recorder.reply = lambda heard: Reply("No prices of that.", ok=False)
        answer = await slack.submit({"goal": "x"})
        assert answer == {"response_action": "errors", "errors": {"goal": "No prices of that."}}
        assert not any(isinstance(heard, Press) for heard in recorder.heard)

    on_slack(story)


def test_the_status_line_falls_back_and_never_gets_in_the_way() -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        place = await opened(platform)
        card = Message("card", "R-1", "R-1 at work", state="working")
        posted = await platform.post(place, card, since("c"))
        slack.faults["assistant.threads.setStatus"] = [Fault("500")]
        await platform.edit(place, posted, replace(card, state="ended"))
        assert [said["status"] for _, said in slack.statuses] == ["is working ..."]

    on_slack(story)


def test_a_wrong_token_ends_the_process_in_words() -> None:
    async def play() -> None:
        async with SlackDouble().serving() as slack:
            slack.faults["auth.test"] = [Fault("invalid_auth")]
            with pytest.raises(SlackApiError, match="invalid_auth"):
                async with slack_on(slack, Recorder()):
                    pass

    asyncio.run(play())


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "SLACK_BOT_TOKEN"),
        ({"slack_bot_token": "xoxp-1"}, "SLACK_BOT_TOKEN"),
        ({"slack_bot_token": "xoxb-1"}, "SLACK_APP_TOKEN"),
        ({"slack_bot_token": "xoxb-1", "slack_app_token": "xoxb-2"}, "SLACK_APP_TOKEN"),
        (
            {"slack_client_id": "1", "slack_client_secret": "2", "slack_app_token": "xapp-1"},
            "SLACK_SIGNING_SECRET",
        ),
    ],
)
def test_missing_settings_are_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(Refusal, match=named):
        SlackSettings(**given).require()  # type: ignore[arg-type]


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    manifest = json.loads(MANIFEST.read_text())
    assert manifest["features"]["slash_commands"][0]["command"] == "/omc"
    assert "chat:write.public" in scopes()
    assert "admin" not in " ".join(scopes())
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {"app_mention", "message.channels", "message.im", "app_home_opened", "reaction_added"} <= set(
        events
    )


def test_long_words_stay_within_slacks_limits() -> None:
    message = Message("card", "R-1", "R-1", lines=tuple("&<>" * 90 for _ in range(6)), mention="U1")
    assert len(fallback(message, edit=True).encode()) <= 4_000
    assert "&am " not in fallback(message, edit=True)
    assert all(block["type"] == "rich_text" for block in blocks_of(message))


# HTTP mode and installations ---------------------------------------------------------------------------------


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@asynccontextmanager
async def over_http(
    slack: SlackDouble, recorder: Recorder, database: Database, port: int, *, installs: bool = False
) -> AsyncIterator[str]:
    settings = SlackSettings(
        slack_bot_token=None if installs else BOT_TOKEN,
        slack_signing_secret=SECRET,
        slack_client_id="1.2" if installs else None,
        slack_client_secret="hush" if installs else None,
        slack_api_base=slack.base,
    )
    workspaces = Workspaces(settings.api_base, settings.slack_bot_token, database, Seal(KEYS))
    platform = Slack(settings, workspaces, Listening("127.0.0.1", port))
    listening = asyncio.create_task(platform.run(recorder))
    await platform.ready.wait()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def test_over_http_only_signed_and_fresh_requests_are_heard(database: Database, unused_port: int) -> None:
    async def play() -> None:
        recorder = Recorder(lambda heard: Reply("R-1 is in the queue."))
        async with (
            SlackDouble().serving() as slack,
            over_http(slack, recorder, database, unused_port) as base,
        ):
            slack.http_target = f"{base}/slack/events"
            await slack.slash("will btc rise?")
            assert slack.told("U-ann") == ["R-1 is in the queue.\n"]
            body = "command=%2Fomc&text=x&team_id=T1&user_id=U1&channel_id=C1"
            old = {**slack.signature(body), "X-Slack-Request-Timestamp": "1700000000"}
            async with aiohttp.ClientSession() as session:
                for headers in ({}, slack.signature(body, "guess"), old):
                    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
                    async with session.post(slack.http_target, data=body, headers=form) as response:
                        assert response.status == 401
            assert len(recorder.heard) == 1

    asyncio.run(play())


@pytest.mark.filterwarnings("ignore:.*BasicAuth.*:DeprecationWarning")  # the SDK's own
def test_another_workspace_installs_the_app_and_its_token_is_sealed(
    database: Database, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMC_SECRET_KEY", KEYS)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)  # Bolt's own answer to strangers knows no NO_PROXY

    async def play() -> None:
        recorder = Recorder()
        async with (
            SlackDouble().serving() as slack,
            over_http(slack, recorder, database, unused_port, installs=True) as base,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
        ):
            slack.http_target = f"{base}/slack/events"
            await slack.slash("nobody knows this workspace yet")
            assert recorder.heard == []
            assert "install" in slack.told("U-ann")[-1]
            async with session.get(f"{base}/slack/install") as page:
                text = await page.text()
                cookie = page.headers["Set-Cookie"].split(";")[0]
            (link,) = re.findall(r"https://slack.com/oauth[^\"]*", text)
            state = parse_qs(urlparse(link.replace("&amp;", "&")).query)["state"][0]
            for given, status in (("forged", 400), (state, 200)):
                async with session.get(
                    f"{base}/slack/oauth_redirect",
                    params={"code": "c", "state": given},
                    headers={"Cookie": cookie},
                ) as page:
                    assert page.status == status, await page.text()
            await slack.slash("will btc rise?")
            assert recorder.heard[-1].speaker.workspace == TEAM
            with database.begin() as db:
                found = installations.find(db, Seal(KEYS), "slack", TEAM)
                assert found is not None
                assert found.token == BOT_TOKEN
                with pytest.raises(SealError):
                    installations.find(db, Seal("another-key-of-sixteen-characters"), "slack", TEAM)
                both = Seal(f"another-key-of-sixteen-characters,{KEYS}")
                assert installations.find(db, both, "slack", TEAM) == found
            await slack.event({"type": "app_uninstalled"})
            with database.begin() as db:
                assert installations.workspaces(db, "slack") == []

    asyncio.run(play())


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_sdk_is_the_real_one() -> None:
    assert "site-packages" in str(sys.modules["slack_sdk"].__file__)


def test_the_asker_hears_alone_what_an_archived_channel_does_not_take(
    database: Database, tmp_path: Path
) -> None:
    async def story(slack: SlackDouble, platform: Slack, _: Recorder) -> None:
        ann = Speaker("slack", TEAM, "U-ann", "Ann")
        told, other = (begin(database, ann, platform="slack") for _ in range(2))
        async with delivering(database, platform, tmp_path):
            await until(lambda: all_told(database, told) and all_told(database, other))
            slack.archived.add("research")
            for one in (told, other):
                await asyncio.to_thread(one.take)
            await asyncio.to_thread(told.complete)
            await until(lambda: all_told(database, told))
            (said,) = slack.told("U-ann")
            assert "Verdict: no edge" in said
            assert f"the thread of {told.run} cannot be reached (the channel is archived)" in said
            slack.gone.add("U-ann")
            await asyncio.to_thread(other.fail, "No prices.")
            await until(lambda: all_told(database, other))
        assert len(slack.told("U-ann")) == 1
        with database.begin() as db:
            reasons = {event.kind: str(event.error) for event in events.given_up(db)}
        assert reasons["completed"] == "the channel is archived; the asker was told in private"
        assert reasons["failed"].startswith("the channel is archived; nor could the asker be told: ")

    on_slack(story)
