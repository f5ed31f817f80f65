"""What people can do in a chat and what comes of it, whatever the platform: real rows, no platform at all."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bots import catalog, commands
from bots.asking import Asked, facts_of
from bots.commands import handle
from bots.platform import (
    Answer,
    Command,
    Heard,
    HomeOpened,
    Place,
    Press,
    Reply,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
)
from bots.words.english import ENGLISH
from bots.words.german import GERMAN
from storage import artifacts, events, preferences, questions, remarks, sessions, users
from storage.artifacts import FolderStore
from storage.database import Database
from storage.models import AnalysisSession, Clarification, Feedback
from storage.presence import Presence
from tests.bots.stories import (
    ANN,
    BEN,
    EVE,
    Story,
    Woken,
    all_told,
    backend,
    begin,
    deliver,
    execute,
    keep_file,
)
from tests.fakes import ChatThread, FakeChat
from tests.waiting import wait_until

CHANNEL = Place("acme", "research")
THREAD = Place("acme", "research", "t1")
ADMIN = Speaker("fake", "acme", "U-root", "Root", is_admin=True)
KLARA = Speaker("fake", "acme", "U-klara", "Klara", language="de-DE", zone="Europe/Berlin")


class Chat:
    """The conversation, with a fresh key for every act unless one is given."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.woken = Woken()
        self._backend = backend(database, self.woken)
        self._count = 0

    def keep_files_in(self, store: FolderStore) -> None:
        self._backend = replace(self._backend, store=store)

    def hear(self, heard: Heard) -> Reply:
        return handle(self._backend, heard)

    def command(self, line: str, who: Speaker = ANN, place: Place = CHANNEL, key: str = "") -> Reply:
        return self.hear(Command(who, place, "", line, key=key or self.key()))

    def type(
        self, text: str, who: Speaker = ANN, place: Place = THREAD, *, key: str = "", to_bot: bool = False
    ) -> Reply:
        return self.hear(Typed(who, place, text, key or self.key(), to_bot))

    def press(self, action: str, run: str, value: str = "", who: Speaker = ANN, key: str = "") -> Reply:
        return self.hear(Press(who, THREAD, action, run, value, key or self.key()))

    def key(self) -> str:
        self._count += 1
        return f"k{self._count}"

    def row(self, run: str) -> AnalysisSession:
        with self.database.begin() as db:
            return sessions.find(db, run)

    def kinds(self, story: Story) -> list[str]:
        with self.database.begin() as db:
            return [fact.kind for fact in facts_of(db, story.session_id)]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def chat(database: Database) -> Chat:
    return Chat(database)


def in_thread(database: Database, who: Speaker = ANN) -> Story:
    return begin(database, who, thread="t1")


def asking(database: Database) -> Story:
    story = in_thread(database)
    story.take()
    story.ask()
    return story


def ended(database: Database) -> Story:
    story = in_thread(database)
    story.take()
    story.complete()
    return story


def test_both_languages_say_everything_with_the_same_values() -> None:
    import string

    def fields(text: str) -> set[str]:
        return {found[1] for found in string.Formatter().parse(text) if found[1]}

    assert set(ENGLISH) == set(GERMAN)
    assert [key for key in ENGLISH if fields(ENGLISH[key]) != fields(GERMAN[key])] == []


def test_every_listed_command_exists_and_is_explained(chat: Chat) -> None:
    assert [spec.name for spec in catalog.COMMANDS] == list(commands.COMMANDS)
    told = chat.command("help").text
    for spec in catalog.COMMANDS:
        assert ENGLISH[f"command.{spec.name}"] in told


@pytest.mark.parametrize(
    ("line", "name", "text", "options"),
    [
        ("status R-7", "status", "R-7", {}),
        ("will btc rise?", "analyze", "will btc rise?", {}),
        ("analyze eth --coins eth,btc --period=30d", "analyze", "eth", {"coins": "eth,btc", "period": "30d"}),
        ("analyze eth horizon:4h up or down", "analyze", "eth up or down", {"horizon": "4h"}),
        ("analyze will eth rise? --search 2m", "analyze", "will eth rise?", {"search": "2m"}),
        ("compare btc and eth volatility", "analyze", "compare btc and eth volatility", {}),
        ("compare R-1 with R-2", "compare", "R-1 with R-2", {}),
        ("rerun 12", "rerun", "12", {}),
        ("", "analyze", "", {}),
    ],
)
def test_a_line_is_a_command_or_a_goal(line: str, name: str, text: str, options: dict[str, str]) -> None:
    assert catalog.parse(line) == catalog.Line(name, text, options)


def test_a_command_begins_a_run_and_wakes_a_worker(chat: Chat) -> None:
    reply = chat.command("analyze will btc rise? --period 30d --budget $2")
    assert (reply.ok, reply.run, reply.text) == (True, "R-1", "R-1 is in the queue, place 1.")
    row = chat.row("R-1")
    assert (row.goal, row.channel, row.thread) == ("will btc rise?", "research", "")
    assert row.preferences == {"period": "30d", "budget": "2", "language": "en"}
    assert [(session, epoch) for session, epoch, _ in chat.woken.jobs] == [(row.id, 1)]


def test_time_for_a_search_is_an_option_in_chat_too(chat: Chat) -> None:
    assert chat.command("analyze will btc rise? --search 2m").ok
    assert chat.row("R-1").preferences["search"] == "2m"
    refused = chat.command("analyze will btc rise? --search 3h")
    assert (refused.ok, refused.run) == (False, None)
    assert "3h" in refused.text
    assert "30 minutes" in refused.text


def test_three_deliveries_make_one_run_and_one_reply(chat: Chat) -> None:
    replies: list[Reply] = []
    gate = threading.Barrier(3)

    def deliver_it() -> None:
        gate.wait()
        replies.append(chat.command("will btc rise?", key="trigger-1"))

    threads = [threading.Thread(target=deliver_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.run for reply in replies} == {"R-1"}
    assert {reply.text for reply in replies} == {"R-1 is in the queue, place 1."}
    with chat.database.begin() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(AnalysisSession)) == 1


def test_without_a_goal_a_form_opens_and_begins_the_run_where_it_was_asked_for(chat: Chat) -> None:
    chat.command("defaults coins btc")
    reply = chat.command("analyze")
    assert reply.form is not None
    assert {field.name: field.value for field in reply.form.fields}["coins"] == "btc"
    values = {"goal": "up or down?", "coins": "eth", "horizon": "", "period": "", "budget": ""}
    direct = Place("acme", "")
    sent = chat.hear(Submitted(ANN, direct, "analyze", values, reply.form.context, chat.key()))
    row = chat.row(str(sent.run))
    assert (row.channel, row.goal, row.preferences["coins"]) == ("research", "up or down?", "eth")


def test_a_channel_the_bot_cannot_speak_in_is_refused_with_the_way_in(chat: Chat) -> None:
    reply = chat.command("will btc rise?", place=Place("acme", "secret", unreachable=True))
    assert not reply.ok
    assert "/invite" in reply.text
    assert chat.command("list").text == ENGLISH["nothing_yet"]


def test_a_reply_in_the_thread_answers_the_open_question(chat: Chat) -> None:
    story = asking(chat.database)
    reply = chat.type("2")
    assert (reply.ok, reply.reaction, reply.text) == (True, "done", "")
    row = story.row()
    assert row.status == "queued"
    assert chat.woken.jobs == [(story.session_id, 2, True)]
    with chat.database.begin() as db:
        (question,) = db.scalars(sa.select(Clarification)).all()
    assert question.answer == "4h"


def test_the_first_answer_wins_and_the_second_is_told_so_alone(chat: Chat) -> None:
    story = asking(chat.database)
    assert chat.press("choose", story.run, "q1:0").text == "R-1 goes on with “1h”."
    late = chat.press("choose", story.run, "q1:1")
    assert not late.ok
    assert late.text == "R-1's question was already answered, by Ann: “1h”. The first answer counts."


def test_only_the_asker_or_an_editor_may_answer(chat: Chat) -> None:
    story = asking(chat.database)
    refused = chat.type("1h", BEN)
    assert not refused.ok
    assert "Only Ann or an editor may answer for R-1" in refused.text
    assert chat.press("stop", story.run, who=BEN).text.startswith("R-1 belongs to Ann")
    assert not chat.command("roles <@U-ben> editor", BEN).ok
    assert chat.command("roles <@U-ben> editor", ADMIN).ok
    assert chat.type("1h", BEN).ok


def test_an_answer_in_ones_own_words_is_asked_for_with_a_form(chat: Chat) -> None:
    story = asking(chat.database)
    form = chat.press("type", story.run, "q1").form
    assert form is not None
    sent = Submitted(ANN, THREAD, form.name, {"text": "two days"}, form.context, chat.key())
    assert chat.hear(sent).text == "R-1 goes on with “two days”."


def test_what_is_typed_while_it_runs_is_kept_and_can_be_changed_or_taken_back(chat: Chat) -> None:
    story = in_thread(chat.database)
    story.take()
    assert chat.type("use 12 bps", key="m1") == Reply(run="R-1", reaction="kept")
    chat.type("and ridge", key="m2")
    assert chat.type("nice", BEN) == Reply()
    chat.hear(Rewritten(ANN, THREAD, "m1", "use 15 bps"))
    chat.hear(Rewritten(BEN, THREAD, "m2", None))
    with chat.database.begin() as db:
        assert [said.content for said in remarks.kept(db, story.session_id)] == ["use 15 bps", "and ridge"]
    chat.hear(Rewritten(ANN, THREAD, "m2", None))
    with chat.database.begin() as db:
        (kept,) = remarks.kept(db, story.session_id)
        remarks.use(kept, "model_training")
    late = chat.hear(Rewritten(ANN, THREAD, "m1", "use 20 bps"))
    assert not late.ok
    assert "used already" in late.text


def test_an_answer_can_be_changed_or_taken_back_until_a_worker_has_it(chat: Chat, tmp_path: Path) -> None:
    platform = FakeChat()
    story = begin(chat.database)
    story.take()
    story.ask()
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    (thread,) = platform.threads
    place = Place("acme", "research", thread)
    chat.type("1h", place=place, key="m1")
    chat.hear(Rewritten(ANN, place, "m1", "4h"))
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    assert platform.threads[thread].messages[-1].lines == ("Ann changed the answer to “4h”.",)
    chat.hear(Rewritten(ANN, place, "m1", None))
    assert story.row().status == "awaiting_user"
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    assert [choice.text for choice in platform.threads[thread].messages[-1].choices] == ["1h", "4h"]
    assert chat.type("2", place=place).ok
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    assert platform.threads[thread].messages[-1].lines == ("Ann answered “4h”.",)
    story.epoch = 1
    story.take()
    assert chat.hear(Rewritten(ANN, place, "m1", "1h")).text == ""
    assert platform.complaints == []


def test_a_goal_can_be_changed_until_a_worker_has_it(chat: Chat) -> None:
    ended(chat.database)
    assert chat.type("now with eth", key="m1").run == "R-2"
    chat.hear(Rewritten(ANN, THREAD, "m1", "now with sol"))
    assert chat.row("R-2").goal == "now with sol"
    chat.hear(Rewritten(ANN, THREAD, "m1", None))
    assert chat.row("R-2").status == "cancelled"


def test_a_reply_after_the_finish_goes_on_from_the_result(chat: Chat) -> None:
    story = ended(chat.database)
    reply = chat.type("now with eth")
    assert reply == Reply(run="R-2", reaction="done")
    row = chat.row("R-2")
    assert (row.follows_id, row.thread, row.goal) == (story.session_id, "t1", "now with eth")
    assert chat.type("thank you!") == Reply(), "no remark for the run that has begun"
    assert chat.press("next", "R-1", "same but 4h ahead").run == "R-3"


def test_talk_among_others_is_left_alone(chat: Chat) -> None:
    ended(chat.database)
    assert chat.type("interesting", BEN) == Reply()
    assert chat.type("lunch?", BEN, Place("acme", "research", "other")) == Reply()
    assert chat.type("now with eth", BEN, to_bot=True).run == "R-2"


def test_a_mention_or_a_direct_message_is_a_command(chat: Chat) -> None:
    direct = Place("acme", "D1", "100.1", direct=True)
    assert chat.type("will btc rise?", place=direct).run == "R-1"
    assert chat.type("status", place=direct, to_bot=True).text.startswith("R-1 will btc rise?")
    assert chat.type("list", BEN, CHANNEL, to_bot=True).text == ENGLISH["nothing_yet"], "R-1 is private"
    assert chat.command("status R-1", BEN).text == "There is no run R-1. See: list"


def test_stop_resume_and_discard(chat: Chat) -> None:
    story = in_thread(chat.database)
    story.take()
    assert chat.type("Stop!").text == "R-1 is being stopped; what was done is kept."
    with chat.database.begin() as db:
        sessions.cancelled(db, story.holder)
    assert chat.press("resume", "R-1").text == "R-1 goes on from the beginning."
    assert story.row().status == "queued"
    assert story.row().cancel_requested_at is None
    assert not chat.press("resume", "R-1").ok
    assert chat.command("cancel R-1").text == "R-1 is stopped."
    assert chat.press("discard", "R-1").text == "R-1 is discarded."
    assert not chat.command("cancel R-1").ok


def test_a_failed_run_is_tried_again_from_its_stage(chat: Chat, tmp_path: Path) -> None:
    platform = FakeChat()
    story = begin(chat.database)
    story.take()
    story.start("model_training")
    story.fail("The fit ran out of memory.")
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    (thread,) = platform.threads.values()
    assert [action.label for action in thread.messages[-1].actions] == ["Retry from Training", "Details"]
    assert chat.press("retry", "R-1").ok
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    assert thread.messages[-1].actions == ()
    assert thread.messages[-1].lines == ("Ann lets it go on from Training.",)
    assert thread.messages[0].footer == "asked by Ann · in the queue"


def test_thumbs_are_stored_and_the_last_one_counts(chat: Chat) -> None:
    ended(chat.database)
    chat.press("thumbs_up", "R-1")
    chat.press("thumbs_down", "R-1")
    with chat.database.begin() as db:
        (given,) = db.scalars(sa.select(Feedback)).all()
    assert not given.useful


def test_a_result_is_shared_and_its_files_sent_again_once(chat: Chat, tmp_path: Path) -> None:
    platform = FakeChat()
    story = begin(chat.database)
    assert not chat.press("share", "R-1").ok
    story.take()
    story.complete([keep_file(FolderStore(tmp_path / "store"), "report.md", b"# Report")])
    platform.threads[""] = ChatThread()  # the channel itself
    for _ in range(3):
        chat.press("share", "R-1", key="press-1")
        chat.press("files", "R-1", key="press-2")
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    thread = next(thread for name, thread in platform.threads.items() if name.startswith("thread-"))
    assert thread.kinds() == ["root", "card", "file", "finish", "file", "notice"]
    (told,) = platform.threads[""].messages
    assert told.headline.startswith("Ann shares R-1: Verdict: no edge")
    assert (told.mention, told.actions) == (None, ())


def test_results_lists_and_comparisons(chat: Chat) -> None:
    ended(chat.database)
    ended(chat.database)
    told = chat.command("results R-1").message
    assert told is not None
    assert (told.mention, told.strong) == (None, "Verdict: no edge")
    listed = chat.command("list")
    assert listed.fixed
    assert "no edge" in listed.text
    assert chat.command("compare R-1 R-2").text.startswith("R-2 is identical to R-1")
    assert chat.command("predict R-2").later is not None
    assert not chat.command("predict R-9").ok
    assert not chat.command("compare R-1 R-9").ok


def test_a_deleted_run_is_gone_with_the_files_that_are_its_alone(chat: Chat, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    chat.keep_files_in(store)
    story = in_thread(chat.database)
    story.take()
    mine, shared = store.put(b"mine"), store.put(b"shared")
    other = in_thread(chat.database)
    other.take()
    for holder, stored in ((story, mine), (story, shared), (other, shared)):
        with chat.database.begin() as db:
            kept: dict[str, Any] = {
                "kind": "file",
                "name": stored.sha256,
                "media_type": "text/plain",
                "summary": "",
            }
            artifacts.save(db, holder.holder, stored, **kept)
    story.complete()
    assert not chat.command("delete R-1", BEN).ok
    assert chat.command("delete R-1").text == "R-1 is deleted, with its files."
    assert chat.command("status R-1").text == "There is no run R-1. See: list"
    assert chat.kinds(story) == []
    assert (store.has(mine.sha256), store.has(shared.sha256)) == (False, True)


def test_saved_defaults_travel_with_a_goal_and_a_person_wins_over_the_channel(chat: Chat) -> None:
    assert not chat.command("defaults channel coins eth").ok
    chat.command("defaults channel coins eth", ADMIN)
    chat.command("defaults channel horizon 4h", ADMIN)
    chat.command("defaults coins btc")
    chat.command("defaults budget 1,5")
    chat.command("will it rise?")
    assert chat.row("R-1").preferences == {
        "defaults": {"coins": "btc", "horizon": "4h"},
        "budget": "1.5",
        "language": "en",
    }
    chat.command("defaults clear")
    assert "channel" in chat.command("defaults").text
    assert not chat.command("defaults zone Europe/Nowhere").ok
    assert not chat.command("defaults colour red").ok


def test_german_people_are_spoken_to_in_german_and_in_their_zone(chat: Chat, tmp_path: Path) -> None:
    assert chat.command("will btc rise?", KLARA).text == "R-1 ist in der Warteschlange, Platz 1."
    execute(chat.database, "update agent_sessions set created_at = '2026-07-01T12:00:00Z'")
    listed = chat.command("list", KLARA).text
    assert "Gefragt (Europe/Berlin)" in listed
    assert "01.07.2026 14:00" in listed
    assert chat.command("defaults language english", KLARA).text == "Saved: language en."
    assert chat.command("status R-1", KLARA).text.startswith("R-1 will btc rise?")
    platform = FakeChat()
    story = Story(chat.database, chat.row("R-1").id, 1)
    deliver(chat.database, platform, tmp_path, lambda: all_told(chat.database, story))
    (thread,) = platform.threads.values()
    assert thread.messages[0].footer == "gefragt von Klara · in der Warteschlange"


def test_limits_of_runs_and_money(chat: Chat) -> None:
    chat.command("roles everybody runs 2", ADMIN)
    chat.command("roles <@U-ben> runs 1", ADMIN)
    chat.command("will btc rise?", BEN)
    refused = chat.command("will eth rise?", BEN)
    assert refused.text.startswith("You have started 1 runs today, and 1 is your limit.")
    chat.command("roles <@U-ann> budget 5", ADMIN)
    chat.command("will btc rise?")
    execute(
        chat.database,
        "insert into usage (session_id, owner_id, agent, model, input_tokens, output_tokens, cost_usd) "
        "select id, owner_id, 'a', 'm', 10, 5, 5.25 from agent_sessions where number = 2",
    )
    assert "5.25 USD this month, and 5.00 USD is your budget" in chat.command("will eth rise?").text
    assert "15 tokens, 5.25 USD" in chat.command("usage").text
    chat.command("roles everybody viewer", ADMIN)
    assert chat.command("will btc rise?", KLARA).text == GERMAN["viewer"]
    listed = chat.command("roles").text
    assert "everybody else: viewer, 2 runs a day" in listed
    assert "Ben: 1 runs a day" in listed


def test_another_workspace_sees_nothing(chat: Chat) -> None:
    asking(chat.database)
    assert chat.command("status R-1", EVE, Place("elsewhere", "c")).text == "There is no run R-1. See: list"
    assert not chat.press("stop", "R-1", who=EVE).ok
    assert not chat.hear(Answer(EVE, "R-1", "1h")).ok


def test_home_shows_what_runs_waits_and_was(chat: Chat) -> None:
    asking(chat.database)
    ended(chat.database)
    home = chat.hear(HomeOpened(ANN, CHANNEL)).home
    assert home is not None
    titles = {section.title: section for section in home.sections}
    assert titles["Waiting for you"].actions[0][0] == "R-1"
    assert "no edge" in titles["The last 20"].lines[0]
    assert titles["Running"].lines == ("None.",)


def test_a_forgotten_question_is_called_to_mind_once(chat: Chat, tmp_path: Path) -> None:
    story = asking(chat.database)
    with chat.database.begin() as db:
        assert questions.forgotten(db) == []
    execute(chat.database, "update clarifications set asked_at = now() - interval '100 hours'")
    for _ in range(2):
        with chat.database.begin() as db:
            for question in questions.forgotten(db):
                questions.remind(db, question)
    assert chat.kinds(story).count("reminder") == 1


def test_a_queue_that_is_away_costs_nothing(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    from jobs.errors import JobsError

    def away(*_: object, **__: object) -> None:
        raise JobsError("The queue does not answer.")

    reply = handle(backend(database, away), Command(ANN, CHANNEL, "analyze", "will btc rise?"))
    assert reply.run == "R-1"
    assert "waits for the sweeper" in caplog.text


def test_a_bug_becomes_a_reference_and_undoes_everything(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(Asked, "place_in_line", broken)
    reply = chat.command("will btc rise?", key="once")
    assert not reply.ok
    assert "reference" in reply.text
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert chat.command("will btc rise?", key="once").run


def test_given_up_events_are_known(chat: Chat) -> None:
    story = in_thread(chat.database)
    with chat.database.begin() as db:
        (claimed,) = events.claim(db, "fake", "one")
        events.give_up(db, story.session_id, claimed.seq, "one", "channel_not_found")
    with chat.database.begin() as db:
        (lost,) = events.given_up(db)
    assert lost.error == "channel_not_found"


def test_a_person_is_one_on_every_sight(chat: Chat) -> None:
    chat.command("help", ANN)
    with chat.database.begin() as db:
        assert users.called(db, "fake", "acme", "U-ann") == "Ann"
        assert preferences.grants(db, "fake", "acme") == []


def test_suggestions_and_threads_to_read_back(chat: Chat) -> None:
    asking(chat.database)
    from bots.conversation import CoreConversation

    async def look() -> tuple[list[str], list[Place]]:
        conversation = CoreConversation(backend(chat.database), "fake")
        try:
            named = await conversation.suggest(ANN, "run", "btc")
            threads = await conversation.open_threads()
            return list(named), [thread.place for thread in threads]
        finally:
            conversation.close()

    named, places = asyncio.run(look())
    assert named == ["R-1 will btc close higher in the next hour? last 90 days"]
    assert places == [THREAD]


def test_status_says_when_a_worker_cannot_run_code_of_agents(chat: Chat, database: Database) -> None:
    worker = Presence(database)
    worker.keep()
    assert chat.command("status").text == ENGLISH["nothing_unfinished"]
    worker.say_code_is_off()
    assert chat.command("status").text == f"{ENGLISH['nothing_unfinished']}\n{ENGLISH['code_is_off']}"
    worker.close()
    wait_until(lambda: "Code execution" not in chat.command("status").text, "the worker is forgotten")
