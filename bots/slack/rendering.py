"""A message as Slack's blocks. Words stand in rich text and plain text, which Slack never reads as markup."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bots.platform import Action, Field, Form, Home, Message, Plot, StageLine, Table, pack

Block = dict[str, Any]
MOST_BLOCKS = 50
# All blocks of a message together may have about 13,200 characters; words of a message are far below.
LONGEST_UPDATE_BYTES = 4_000


def blocks_of(message: Message, *, plain: bool = False) -> list[Block]:
    """The blocks of a message; `plain` without native tables and charts, for when Slack refuses those."""
    head: list[Block] = []
    if message.mention:
        head += [{"type": "user", "user_id": message.mention}, _text(" ")]
    strong = message.strong or (message.headline if message.kind == "question" else "")
    if strong and message.headline.startswith(strong):
        head += [_text(strong, bold=True), _text(message.headline[len(strong) :])]
    else:
        head.append(_text(message.headline))
    lines = [_stage(stage, message) for stage in message.stages] + list(message.lines)
    for line in lines:
        head.append(_text(f"\n{line}"))
    blocks: list[Block] = [_rich([_section(head)])]
    if message.deadline_words and message.deadline:
        blocks.append(_rich([_section([_text(f"{message.deadline_words} "), _date(message.deadline)])]))
    if message.table is not None:
        blocks += _table(message.table, plain=plain)
    if message.plot is not None and not plain:
        blocks.append(_plot(message.plot))
    if message.footer:
        blocks.append({"type": "context", "elements": [_plain(message.footer, 2000)]})
    choices = [
        _button(pack("choose", message.run, f"{message.interrupt_id}:{number}"), message.choice_label(choice),
                "primary" if choice.recommended else "")
        for number, choice in enumerate(message.choices)
    ]  # fmt: skip
    buttons = [*choices, *(_action(message.run, action) for action in message.actions)]
    blocks += [
        {"type": "actions", "elements": buttons[start : start + 25]} for start in range(0, len(buttons), 25)
    ]
    return blocks[:MOST_BLOCKS]


def fallback(message: Message, *, edit: bool = False) -> str:
    """All of a message as plain text, for notifications and screen readers; escaped, nobody is called by it."""
    text = escape(message.text(datetime.now(UTC)))
    if message.mention:
        text = f"<@{message.mention}> {text}"
    if edit:
        text = text.encode()[: LONGEST_UPDATE_BYTES - 10].decode(errors="ignore")
        text = text.rsplit("&", 1)[0] if "&" in text[-6:] else text
    return text


def escape(text: str) -> str:
    """Text that Slack takes literally."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def reply_blocks(text: str, *, fixed: bool) -> list[Block]:
    """Plain words for one person, `fixed` in a fixed-width font."""
    kind = "rich_text_preformatted" if fixed else "rich_text_section"
    return [_rich([{"type": kind, "elements": [_text(piece)]}]) for piece in _pieces(text, 2900)]


def view_of(form: Form, private_metadata: str) -> dict[str, Any]:
    """A form as a modal."""
    return {
        "type": "modal",
        "callback_id": f"omc:{form.name}",
        "private_metadata": private_metadata,
        "title": _plain(form.title, 24),
        "submit": _plain(form.submit, 24),
        "close": _plain(form.cancel, 24),
        "blocks": [_input(field) for field in form.fields],
    }


def home_of(home: Home) -> dict[str, Any]:
    """A person's page as the Home tab."""
    blocks: list[Block] = []
    for section in home.sections:
        blocks.append({"type": "header", "text": _plain(section.title, 150)})
        loose = section.actions if len(section.actions) != len(section.lines) else ()
        for at, line in enumerate(section.lines):
            block: Block = {"type": "section", "text": _plain(line, 3000)}
            if section.actions and not loose:
                block["accessory"] = _action(*section.actions[at])
            blocks.append(block)
        if loose:
            blocks.append({"type": "actions", "elements": [_action(run, action) for run, action in loose]})
    return {"type": "home", "blocks": blocks[:100]}


def _stage(stage: StageLine, message: Message) -> str:
    return stage.text(datetime.now(UTC)) if message.state != "ended" else stage.text()


def _rich(elements: Sequence[Block]) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def _section(elements: Sequence[Block]) -> Block:
    kept = [element for element in elements if element.get("text", "x")]
    return {"type": "rich_text_section", "elements": kept or [_text(" ")]}


def _text(text: str, *, bold: bool = False) -> Block:
    return {"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})}


def _date(moment: datetime) -> Block:
    return {
        "type": "date",
        "timestamp": int(moment.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _plain(text: str, longest: int) -> Block:
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return {"type": "plain_text", "text": cut or " ", "emoji": False}


def _button(action_id: str, label: str, style: str = "", confirm: str = "") -> Block:
    button: Block = {
        "type": "button",
        "action_id": action_id[:255],
        "text": {**_plain(label, 75), "emoji": True},
    }
    if style:
        button["style"] = style
    if confirm:
        button["confirm"] = {
            "title": _plain(label, 100),
            "text": _plain(confirm, 300),
            "confirm": _plain(label, 30),
            "deny": _plain("✗", 30),
        }
    return button


def _action(run: str, action: Action) -> Block:
    return _button(pack(action.name, run, action.value), action.label, action.style, action.confirm)


def _table(table: Table, *, plain: bool) -> list[Block]:
    note: list[Block] = [{"type": "context", "elements": [_plain(table.note, 2000)]}] if table.note else []
    if plain:
        return [_rich([{"type": "rich_text_preformatted", "elements": [_text(table.text())]}]), *note]
    rows = []
    for number, row in enumerate((table.columns, *table.rows)):
        marked = number == 0 or number - 1 == table.marked
        rows.append([_cell(cell, bold=marked) for cell in row[:20]])
    settings = [{"align": "right" if right else "left"} for right in table.right[:20]]
    return [{"type": "table", "rows": rows[:100], "column_settings": settings}, *note]


def _cell(text: str, *, bold: bool) -> Block:
    if not bold:
        return {"type": "raw_text", "text": text or " "}
    return _rich([{"type": "rich_text_section", "elements": [_text(text or " ", bold=True)]}])


def _plot(plot: Plot) -> Block:
    bars: dict[str, float] = {}
    for label, value in plot.bars[:20]:
        short = label[:20]
        while short in bars:  # labels are told apart by their text
            short = short[:18] + f"{len(bars):2d}"
        bars[short] = value
    return {
        "type": "data_visualization",
        "title": plot.title[:50],
        "chart": {
            "type": "bar",
            "series": [
                {
                    "name": plot.unit[:20],
                    "data": [{"label": label, "value": value} for label, value in bars.items()],
                }
            ],
            "axis_config": {"categories": list(bars), "y_label": plot.unit[:20]},
        },
    }


def _input(field: Field) -> Block:
    element: Block
    if field.kind == "choice":
        options = [{"text": _plain(label, 75), "value": value} for value, label in field.options[:25]]
        element = {"type": "static_select", "action_id": "value", "options": options}
        chosen = next((option for option in options if option["value"] == field.value), None)
        if chosen:
            element["initial_option"] = chosen
    else:
        element = {
            "type": "plain_text_input",
            "action_id": "value",
            "multiline": field.kind == "lines",
            "max_length": min(field.longest, 3000),
        }
        if field.value:
            element["initial_value"] = field.value[: field.longest]
    if field.placeholder:
        element["placeholder"] = _plain(field.placeholder, 150)
    block: Block = {
        "type": "input",
        "block_id": field.name,
        "label": _plain(field.label, 2000),
        "element": element,
        "optional": not field.required,
    }
    if field.hint:
        block["hint"] = _plain(field.hint, 2000)
    return block


def _pieces(text: str, longest: int) -> list[str]:
    """Text in pieces that end at line ends where they can."""
    pieces = []
    while len(text) > longest:
        cut = text.rfind("\n", 1, longest)
        cut = longest if cut < 0 else cut
        pieces.append(text[:cut])
        text = text[cut:].removeprefix("\n")
    return [*pieces, text][:12]
