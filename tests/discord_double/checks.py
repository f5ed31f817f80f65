"""What Discord takes in a message: lengths, numbers, and which parts go together."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.discord_double.world import COMPONENTS_V2, ApiError, Json, World

ACTION_ROW, BUTTON, SELECT, TEXT_INPUT, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = (
    1, 2, 3, 4, 10, 12, 13, 14, 17, 18,
)  # fmt: skip


def refuse(what: str) -> ApiError:
    return ApiError(400, 50035, f"Invalid Form Body: {what}")


def check_message(world: World, body: Json, files: Mapping[str, bytes]) -> None:
    """Raises ApiError for what Discord does not take."""
    content, components = body.get("content") or "", body.get("components") or []
    v2 = bool((body.get("flags") or 0) & COMPONENTS_V2)
    if len(content) > 2000:
        raise refuse("content must be 2000 or fewer in length")
    if v2 and (content or body.get("embeds") or body.get("poll")):
        raise refuse("content and embeds do not go with the flag for components")
    if not v2 and any(component["type"] not in (ACTION_ROW,) for component in components):
        raise refuse("components of version 2 need their flag")
    if not content and not components and not files:
        raise ApiError(400, 50006, "Cannot send an empty message")
    if v2 and not components:
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(str(body.get("nonce") or "")) > 25:
        raise refuse("nonce must be 25 or fewer in length")
    _check_components(components)
    _check_files(world, body, files, components if v2 else None)
    allowed = body.get("allowed_mentions") or {}
    if allowed.get("users") and "users" in (allowed.get("parse") or ()):
        raise refuse("allowed_mentions names users twice over")


def _check_components(components: list[Json]) -> None:
    every = list(walk(components))
    if len(every) > 40:
        raise refuse(f"{len(every)} components; at most 40")
    if sum(len(part["content"]) for part in every if part["type"] == TEXT) > 4000:
        raise refuse("the text of all components must be 4000 or fewer in length")
    custom_ids = [part["custom_id"] for part in every if part.get("custom_id")]
    if len(set(custom_ids)) < len(custom_ids):
        raise refuse("custom_id must be unique")
    given = [part["id"] for part in every if part.get("id")]
    if len(set(given)) < len(given):
        raise refuse("component ids must be unique")
    for part in every:
        match part["type"]:
            case 1 if not 1 <= len(part["components"]) <= 5:
                raise refuse("a row has 1 to 5 buttons")
            case 1 if len(part["components"]) > 1 and any(
                inner["type"] == SELECT for inner in part["components"]
            ):
                raise refuse("a list stands alone in its row")
            case 2 if not part.get("label") and not part.get("emoji"):
                raise refuse("a button needs a label")
            case 2 if len(part.get("label") or "") > 80 or not 1 <= len(part["custom_id"]) <= 100:
                raise refuse("label or custom_id too long")
            case 3 if not 1 <= len(part["options"]) <= 25 or len({o["value"] for o in part["options"]}) < len(
                part["options"]
            ):
                raise refuse("a list has 1 to 25 options with values of their own")
            case 10 if not part["content"].strip():
                raise refuse("text must not be empty")
            case 12 if any(len(item.get("description") or "") > 1024 for item in part["items"]):
                raise refuse("description must be 1024 or fewer in length")


def _check_files(world: World, body: Json, files: Mapping[str, bytes], components: list[Json] | None) -> None:
    if len(files) > 10:
        raise refuse("at most 10 files")
    if any(len(content) > world.filesize_limit for content in files.values()):
        raise ApiError(413, 40005, "Request entity too large")
    if sum(map(len, files.values())) > 25 * 1024 * 1024:
        raise ApiError(413, 40005, "Request entity too large")
    if len(set(files)) < len(files):
        raise refuse("names of files must be unique")
    if components is None or not files:
        return
    shown = {url.removeprefix("attachment://") for url in media_of(components)}
    if shown != set(files):
        raise refuse(f"files {sorted(set(files) ^ shown)} are not both sent and shown")


def check_modal(data: Json) -> None:
    """A form: its title, its fields, and what stands in them."""
    if not 1 <= len(data["title"]) <= 45 or not 1 <= len(data["custom_id"]) <= 100:
        raise refuse("title or custom_id of a form too long")
    if not 1 <= len(data["components"]) <= 5:
        raise refuse("a form has 1 to 5 fields")
    for label in data["components"]:
        if label["type"] != LABEL:
            raise refuse("a form is made of labels")
        if not 1 <= len(label["label"]) <= 45 or len(label.get("description") or "") > 100:
            raise refuse("label or description too long")
        inner = label["component"]
        if inner["type"] == TEXT_INPUT and len(inner.get("value") or "") > inner.get("max_length", 4000):
            raise refuse("value longer than max_length")


def walk(components: list[Json]) -> Iterator[Json]:
    for component in components:
        yield component
        yield from walk(component.get("components") or [])


def media_of(components: list[Json]) -> list[str]:
    found = []
    for part in walk(components):
        if part["type"] == FILE:
            found.append(part["file"]["url"])
        if part["type"] == GALLERY:
            found += [item["media"]["url"] for item in part["items"]]
    return found


def text_of(message: Json) -> str:
    """All words of a message."""
    texts = [part["content"] for part in walk(message["components"]) if part["type"] == TEXT]
    return "\n".join([*([message["content"]] if message["content"] else []), *texts])


def kept(components: list[Json], attachments: Mapping[str, Json], world: World) -> list[Json]:
    """Components as Discord hands them out: each with an id, media with their addresses."""
    used = {part["id"] for part in walk(components) if part.get("id")}
    free = (number for number in range(1, 1_000) if number not in used)

    def media(url: str) -> Json:
        attachment = attachments[url.removeprefix("attachment://")]
        return {
            "id": attachment["id"], "url": attachment["url"], "proxy_url": attachment["url"], "width": None,
            "height": None, "content_type": attachment.get("content_type"), "attachment_id": attachment["id"],
        }  # fmt: skip

    def keep(part: Json) -> Json:
        out: dict[str, Any] = {**part, "id": part.get("id") or next(free)}
        match part["type"]:
            case 17:
                out |= {"accent_color": part.get("accent_color"), "spoiler": bool(part.get("spoiler"))}
            case 13:
                name = part["file"]["url"].removeprefix("attachment://")
                size = attachments[name]["size"]
                out |= {"file": media(part["file"]["url"]), "name": name, "size": size, "spoiler": False}
            case 12:
                out["items"] = [
                    {"media": media(i["media"]["url"]), "description": i.get("description"), "spoiler": False}
                    for i in part["items"]
                ]
            case 3:
                out |= {"min_values": part.get("min_values", 1), "max_values": part.get("max_values", 1)}
        if "components" in part:
            out["components"] = [keep(inner) for inner in part["components"]]
        return {name: value for name, value in out.items() if value is not None or name in ("accent_color",)}

    return [keep(part) for part in components]
