"""Buttons that were pressed and forms that were sent."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from bots import replies, runs
from bots.asking import Asked
from bots.errors import Refusal
from bots.hearing import ActionName
from bots.platform import Field, Form, Press, Reply, Submitted


def press(asked: Asked, pressed: Press) -> Reply:
    """What a button does. Raises Refusal."""
    run, value = pressed.run, pressed.value
    if not run and pressed.action.startswith("thumbs_"):  # a reaction to a message, which may be any
        run = asked.run_told_in(value)
        if not run:
            return Reply()
    does: Mapping[ActionName, Callable[[], Reply]] = {
        "stop": lambda: runs.cancel(asked, run),
        "details": lambda: replies.details(asked, run),
        "resume": lambda: runs.go_on(asked, run),
        "retry": lambda: runs.go_on(asked, run),
        "discard": lambda: runs.discard(asked, run),
        "choose": lambda: _choose(asked, run, value),
        "type": lambda: Reply(form=_answer_form(asked, run, value)),
        "thumbs_up": lambda: runs.judge(asked, run, useful=True),
        "thumbs_down": lambda: runs.judge(asked, run, useful=False),
        "share": lambda: runs.share(asked, run),
        "next": lambda: runs.follow(asked, asked.find(run), value),
        "files": lambda: replies.send_files(asked, run),
        "results": lambda: replies.results(asked, run),
        "new": lambda: runs.analyze(asked, "", {}),
    }
    act = next((act for name, act in does.items() if name == pressed.action), None)
    if act is None:
        raise Refusal(asked.words("not_understood"))
    return act()


def submitted(asked: Asked, sent: Submitted) -> Reply:
    """What a form does once it is sent. Raises Refusal."""
    match sent.form:
        case "analyze":
            channel, _, thread = sent.context.partition("|")
            if channel:
                asked.place = replace(asked.place, channel=channel, thread=thread)
            options = {name: value for name, value in sent.values.items() if name != "goal"}
            runs.check_goal(sent.values.get("goal", ""), asked.words)
            return runs.analyze(asked, sent.values["goal"], options)
        case "answer":
            run, _, interrupt_id = sent.context.partition("|")
            row = asked.find(run)
            return runs.give_answer(
                asked, row, sent.values.get("text", ""), interrupt_id=interrupt_id or None
            )
        case _:
            raise Refusal(asked.words("not_understood"))


def _choose(asked: Asked, run: str, value: str) -> Reply:
    interrupt_id, _, number = value.partition(":")
    if not number.isdigit():
        raise Refusal(asked.words("not_understood"))
    return runs.give_answer(asked, asked.find(run), "", interrupt_id=interrupt_id, choice=int(number))


def _answer_form(asked: Asked, run: str, interrupt_id: str) -> Form:
    words = asked.words
    answer = Field("text", words("field.answer"), "lines", required=True, longest=2000)
    return Form(
        "answer",
        words("form.answer"),
        (answer,),
        submit=words("form.send"),
        cancel=words("form.cancel"),
        context=f"{run}|{interrupt_id}",
    )
