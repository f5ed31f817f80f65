"""What Slack accepts as blocks, and what a person then reads. Refusals are Slack's own words."""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Block = Mapping[str, Any]
MOST_CHARACTERS = 13_200
NATIVE = frozenset({"table", "data_visualization", "data_table"})
CALL = re.compile(r"<(?:@(\w+)|!(channel|here|everyone))(?:\|[^>]*)?>")


class Refused(Exception):
    """Slack says no; the text is its error code."""


def check(blocks: Sequence[Block], *, most: int = 50, native: bool = True) -> None:
    """Raise Refused for what Slack would not take."""
    _require(isinstance(blocks, list) and 0 < len(blocks) <= most, "invalid_blocks")
    action_ids: list[str] = []
    for block in blocks:
        kind = block.get("type")
        if kind in NATIVE and not native:
            raise Refused("invalid_blocks")
        checker = CHECKS.get(str(kind))
        _require(checker is not None, "invalid_blocks")
        assert checker is not None
        checker(block)
        action_ids += [element["action_id"] for element in _elements(block) if "action_id" in element]
    _require(len(action_ids) == len(set(action_ids)), "invalid_blocks")
    _require(sum(block.get("type") == "data_visualization" for block in blocks) <= 2, "invalid_blocks")
    if most == 50 and len("".join(read(block) for block in blocks)) > MOST_CHARACTERS:
        raise Refused("msg_blocks_too_long")


def read(block: Block) -> str:
    """A block as a person reads it."""
    match block.get("type"):
        case "rich_text":
            return "".join(_rich(element) for element in block["elements"]) + "\n"
        case "section" | "header":
            return _object(block["text"]) + "\n"
        case "context":
            return " ".join(_object(element) for element in block["elements"]) + "\n"
        case "table":
            rows = [[_cell(cell) for cell in row] for row in block["rows"]]
            return "\n".join("  ".join(row) for row in rows) + "\n"
        case "data_visualization":
            points = [point for series in block["chart"]["series"] for point in series["data"]]
            said = ", ".join(f"{point['label']} {point['value']}" for point in points)
            return f"{block['title']}: {said}\n"
        case _:
            return ""


def buttons(blocks: Sequence[Block]) -> dict[str, Block]:
    """The buttons by their labels."""
    return {
        element["text"]["text"]: element
        for block in blocks
        for element in _elements(block)
        if element.get("type") == "button"
    }


def calls(text: str, blocks: Sequence[Block]) -> tuple[str, ...]:
    """Whom a message calls."""
    found = [user or word for user, word in CALL.findall(text)]
    for block in blocks:
        for node in _walk(block):
            if node.get("type") == "user":
                found.append(str(node["user_id"]))
            elif node.get("type") == "broadcast":
                found.append(str(node["range"]))
            elif node.get("type") == "mrkdwn":
                found += [user or word for user, word in CALL.findall(node["text"])]
    return tuple(dict.fromkeys(found))


def _rich(element: Block) -> str:
    match element["type"]:
        case "rich_text_section" | "rich_text_preformatted" | "rich_text_quote":
            return "".join(_rich(child) for child in element["elements"])
        case "rich_text_list":
            return "".join("• " + _rich(child) + "\n" for child in element["elements"])
        case "text":
            return str(element["text"])
        case "user":
            return f"@{element['user_id']}"
        case "date":
            return f"{{date {element['timestamp']}}}"
        case "emoji":
            return f":{element['name']}:"
        case _:
            raise Refused("invalid_blocks")


def _object(text: Block) -> str:
    return html.unescape(text["text"]) if text["type"] == "mrkdwn" else str(text["text"])


def _cell(cell: Block) -> str:
    return str(cell["text"]) if cell["type"] == "raw_text" else read(cell).strip()


def _elements(block: Block) -> list[Block]:
    found = list(block.get("elements") or ()) if block.get("type") == "actions" else []
    return [*found, *([block["accessory"]] if block.get("accessory") else [])]


def _walk(node: Any) -> Iterator[Block]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _require(holds: bool, code: str = "invalid_blocks") -> None:
    if not holds:
        raise Refused(code)


def _text(text: Any, longest: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
    _require(isinstance(text, dict) and text.get("type") in kinds)
    _require(isinstance(text.get("text"), str) and 0 < len(text["text"]) <= longest)
    if text["type"] == "plain_text":
        _require(set(text) <= {"type", "text", "emoji"})


def _check_rich(block: Block) -> None:
    _require(bool(block.get("elements")))
    for element in block["elements"]:
        _require(
            element.get("type")
            in ("rich_text_section", "rich_text_preformatted", "rich_text_list", "rich_text_quote")
        )
        _require(bool(element.get("elements")))
        for node in element["elements"]:
            if node.get("type") == "text":
                _require(isinstance(node.get("text"), str) and node["text"] != "")
            elif node.get("type") == "date":
                _require(isinstance(node.get("timestamp"), int) and bool(node.get("format")))
        _rich(element)


def _check_section(block: Block) -> None:
    _text(block.get("text"), 3000)
    if block.get("accessory"):
        _check_element(block["accessory"])


def _check_context(block: Block) -> None:
    _require(0 < len(block.get("elements") or ()) <= 10)
    for element in block["elements"]:
        _text(element, 2000)


def _check_actions(block: Block) -> None:
    _require(0 < len(block.get("elements") or ()) <= 25)
    for element in block["elements"]:
        _check_element(element)


def _check_element(element: Block) -> None:
    _require(element.get("type") == "button")
    _text(element.get("text"), 75, ("plain_text",))
    _require(0 < len(element.get("action_id", "")) <= 255)
    _require(element.get("style", "primary") in ("primary", "danger"))
    confirm = element.get("confirm")
    if confirm:
        _text(confirm.get("title"), 100, ("plain_text",))
        _text(confirm.get("text"), 300)
        _text(confirm.get("confirm"), 30, ("plain_text",))
        _text(confirm.get("deny"), 30, ("plain_text",))


def _check_table(block: Block) -> None:
    rows = block.get("rows") or []
    _require(0 < len(rows) <= 100)
    for row in rows:
        _require(0 < len(row) <= 20 and len(row) == len(rows[0]))
        for cell in row:
            _require(cell.get("type") in ("raw_text", "rich_text"))
            if cell["type"] == "raw_text":
                _require(bool(cell.get("text")))
            else:
                _check_rich(cell)
    for setting in block.get("column_settings") or ():
        _require(setting.get("align", "left") in ("left", "center", "right"))


def _check_chart(block: Block) -> None:
    chart = block.get("chart") or {}
    _require(0 < len(block.get("title", "")) <= 50)
    _require(chart.get("type") in ("bar", "line", "area"))
    categories = (chart.get("axis_config") or {}).get("categories") or []
    _require(0 < len(categories) <= 20 and len(set(categories)) == len(categories))
    _require(all(0 < len(label) <= 20 for label in categories))
    _require(0 < len(chart.get("series") or ()) <= 6)
    for series in chart["series"]:
        _require(0 < len(series.get("name", "")) <= 20)
        _require([point["label"] for point in series["data"]] == categories)
        _require(all(isinstance(point["value"], int | float) for point in series["data"]))


def _check_input(block: Block) -> None:
    _text(block.get("label"), 2000, ("plain_text",))
    element = block.get("element") or {}
    _require(element.get("type") in ("plain_text_input", "static_select"))
    if element["type"] == "plain_text_input":
        _require(1 <= element.get("max_length", 3000) <= 3000)
        _require(len(element.get("initial_value", "")) <= element.get("max_length", 3000))
    else:
        _require(0 < len(element.get("options") or ()) <= 100)
    if "placeholder" in element:
        _text(element["placeholder"], 150, ("plain_text",))


def check_view(view: Block) -> None:
    """Raise Refused for a modal or a Home tab that Slack would not take."""
    _require(view.get("type") in ("modal", "home"), "invalid_arguments")
    if view["type"] == "modal":
        _text(view.get("title"), 24, ("plain_text",))
        for name in ("submit", "close"):
            if name in view:
                _text(view[name], 24, ("plain_text",))
        _require(len(view.get("private_metadata", "")) <= 3000, "invalid_arguments")
    check(view.get("blocks") or [], most=100)
    ids = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    _require(len(ids) == len(set(ids)), "invalid_arguments")
    _require(len(json.dumps(view)) <= 250_000, "view_too_large")


CHECKS: dict[str, Callable[[Block], None]] = {
    "rich_text": _check_rich,
    "section": _check_section,
    "context": _check_context,
    "actions": _check_actions,
    "table": _check_table,
    "data_visualization": _check_chart,
    "input": _check_input,
    "header": lambda block: _text(block.get("text"), 150, ("plain_text",)),
    "divider": lambda block: None,
}
