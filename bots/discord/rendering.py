"""A message as Discord's components (version 2), which take 4,000 characters where plain content takes 2,000."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import discord
from discord import ui

from bots.discord.buttons import PressedButton, PressedSelect
from bots.discord.markup import FENCE, escape, fenced, moment
from bots.platform import Action, Field, Form, Home, Message, pack

LONGEST_TEXT = 4_000
MOST_BUTTONS = 5
LONGEST_LABEL = 80
FORM_ID = "omcform"
COLOURS = {
    "working": 0x5865F2,
    "waiting": 0xFEE75C,
    "question": 0xFEE75C,
    "finish": 0x57F287,
    "failure": 0xED4245,
}
STYLES = {
    "": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}


def view_of(message: Message, key: str = "") -> ui.LayoutView:
    """A message's text, framed unless it is a plain line, with its buttons. `key` lets it be found again."""
    parts: list[ui.Item[Any]] = [ui.TextDisplay(_text_of(message)), *_choices(message)]
    parts += _rows([_button(message.run, action) for action in message.actions])
    colour = COLOURS.get(message.state or message.kind)
    view = ui.LayoutView(timeout=None)
    if message.kind in ("root", "notice") and len(parts) == 1:
        first: ui.Item[Any] = parts[0]
    else:
        first = ui.Container(*parts, accent_colour=colour)
    if key:
        first.id = mark_of(key)
    view.add_item(first)
    return view


def mark_of(key: str) -> int:
    """The number that a message posted with this key carries, where nobody sees it; above all that Discord gives."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") & 0x3FFFFFFF | 0x40000000


def home_of(home: Home) -> ui.LayoutView:
    """A person's page. What does not fit into one message is left out from its end."""
    view = ui.LayoutView(timeout=None)
    room, components = LONGEST_TEXT, 40
    for section in home.sections:
        lines = "\n".join(escape(line) for line in section.lines)
        text = f"**{escape(section.title)}**\n{lines}"
        many = len(section.actions) > 1
        buttons = [
            _button(run, action, label=f"{run} · {action.label}" if many and run else action.label)
            for run, action in section.actions[: 2 * MOST_BUTTONS]
        ]
        rows = _rows(buttons)
        taken = 1 + len(rows) + len(buttons)
        if len(text) > room or taken > components:
            break
        room, components = room - len(text), components - taken
        view.add_item(ui.TextDisplay(text))
        for row in rows:
            view.add_item(row)
    return view


def opener(form: Form, action: str, run: str, value: str) -> ui.LayoutView:
    """A button that asks for a form once more, for when Discord no longer lets one open by itself."""
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.ActionRow(PressedButton.labelled(pack(action, run, value), form.title)))
    return view


def modal_of(form: Form) -> ui.Modal:
    """A form. What it was opened for stands in its id, so that a bot that was started anew understands it."""
    modal = ui.Modal(title=form.title[:45], custom_id=f"{FORM_ID}|{form.name}|{form.context}"[:100])
    for field in form.fields[:5]:
        modal.add_item(
            ui.Label(text=field.label[:45], description=field.hint[:100] or None, component=_input(field))
        )
    modal.stop()  # what is sent off comes through the interaction alone, whichever process opened it
    return modal


def read_form(custom_id: str) -> tuple[str, str] | None:
    """The name and the context in a form's id; None for anything else."""
    parts = custom_id.split("|", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and parts[0] == FORM_ID else None


def _text_of(message: Message) -> str:
    headline = escape(message.headline)
    strong = message.strong or (message.headline if message.kind == "question" else "")
    if strong and message.headline.startswith(strong):
        headline = f"**{escape(strong)}**{escape(message.headline[len(strong) :])}"
    if message.mention:
        headline = f"<@{message.mention}> {headline}"
    now = None if message.state == "ended" else datetime.now(UTC)
    lines = [headline, *(escape(stage.text(now)) for stage in message.stages), *map(escape, message.lines)]
    if message.deadline_words and message.deadline:
        lines.append(f"{escape(message.deadline_words)} {moment(message.deadline)}")
    if message.table is not None:
        lines.append(fenced(message.table.text()))
        if message.table.note:
            lines.append(f"-# {escape(message.table.note)}")
    if message.footer:
        lines.append(f"-# {escape(message.footer)}")
    text = "\n".join(lines)
    if len(text) <= LONGEST_TEXT:
        return text
    cut = text[: LONGEST_TEXT - 8].rstrip("\\")
    return f"{cut}…\n{FENCE}" if cut.count(FENCE) % 2 else f"{cut}…"


def _choices(message: Message) -> list[ui.Item[Any]]:
    """Choices as buttons, or as a list where they are many or long."""
    named = [
        (pack("choose", message.run, f"{message.interrupt_id}:{number}"), message.choice_label(choice))
        for number, choice in enumerate(message.choices[:25])
    ]
    if len(named) <= MOST_BUTTONS and all(len(label) <= LONGEST_LABEL for _, label in named):
        recommended = [choice.recommended for choice in message.choices]
        return _rows(
            [
                PressedButton.labelled(custom_id, label, STYLES["primary" if first else ""])
                for (custom_id, label), first in zip(named, recommended, strict=False)
            ]
        )
    options = [
        discord.SelectOption(label=_cut(label, 100), value=str(number))
        for number, (_, label) in enumerate(named)
    ]
    return [ui.ActionRow(PressedSelect.of(pack("choose", message.run, f"{message.interrupt_id}:"), options))]


def _rows(buttons: Sequence[PressedButton]) -> list[ui.Item[Any]]:
    return [
        ui.ActionRow(*buttons[start : start + MOST_BUTTONS]) for start in range(0, len(buttons), MOST_BUTTONS)
    ]


def _button(run: str, action: Action, label: str = "") -> PressedButton:
    custom_id = pack(action.name, run, action.value)[:100]
    return PressedButton.labelled(custom_id, _cut(label or action.label, LONGEST_LABEL), STYLES[action.style])


def _input(field: Field) -> ui.Item[Any]:
    if field.kind == "choice":
        options = [
            discord.SelectOption(label=_cut(label, 100), value=value[:100], default=value == field.value)
            for value, label in field.options[:25]
        ]
        return ui.Select(
            custom_id=field.name,
            options=options,
            placeholder=field.placeholder[:150] or None,
            required=field.required,
        )
    longest = min(field.longest, 4_000)
    return ui.TextInput(
        custom_id=field.name,
        style=discord.TextStyle.paragraph if field.kind == "lines" else discord.TextStyle.short,
        default=field.value[:longest] or None,
        placeholder=field.placeholder[:100] or None,
        required=field.required,
        max_length=longest,
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
