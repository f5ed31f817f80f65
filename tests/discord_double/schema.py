"""Discord's own description of its API, to hold requests and answers against when it is there."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

BASE = "urn:discord"


class Described:
    """The description; without it nothing is checked against it (the double's own checks stay)."""

    def __init__(self, document: Any) -> None:
        self._document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry: Any = Registry().with_resource(BASE, resource)
        self._validators: dict[str, Draft202012Validator] = {}

    def request(self, path: str, method: str, body: Any) -> str:
        """What is wrong with the body of a request; nothing if all is well."""
        operation = self._document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            return f"Discord has no {method} {path}"
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return "" if body is None else f"{method} {path} takes no body"
        pointer = f"/paths/{_escape(path)}/{method.lower()}/requestBody/content/application~1json/schema"
        return self._check(pointer, _with_text_ids(body))

    def answer(self, path: str, method: str, status: int, body: Any) -> str:
        """What is wrong with an answer of ours."""
        operation = self._document["paths"][path][method.lower()]
        described = operation["responses"].get(str(status))
        if described is None:
            return f"{method} {path} is not answered with {status}" if status < 300 else ""
        if "application/json" not in described.get("content", {}):
            return "" if body is None else f"{method} {path} is answered without a body"
        pointer = (
            f"/paths/{_escape(path)}/{method.lower()}/responses/{status}/content/application~1json/schema"
        )
        return self._check(pointer, body)

    def _check(self, pointer: str, value: Any) -> str:
        if pointer not in self._validators:
            schema = {"$ref": f"{BASE}#{pointer}"}
            self._validators[pointer] = Draft202012Validator(schema, registry=self._registry)
        errors = sorted(self._validators[pointer].iter_errors(value), key=lambda error: list(error.path))
        return "; ".join(f"{'/'.join(map(str, error.path))}: {error.message[:300]}" for error in errors[:3])


@cache
def described() -> Described | None:
    """The description in the test data, read once."""
    folder = os.environ.get("OMC_TEST_DATA")
    path = Path(folder or "") / "platforms" / "discord-openapi.json"
    if not folder or not path.is_file():
        return None
    return Described(json.loads(path.read_text()))


def _with_text_ids(body: Any) -> Any:
    """A body with the ids as text: the description asks for it, and Discord itself takes the SDK's numbers too."""
    if not isinstance(body, dict):
        return body
    body = dict(body)
    if isinstance(body.get("data"), dict):
        body["data"] = _with_text_ids(body["data"])
    if "recipient_id" in body:
        body["recipient_id"] = str(body["recipient_id"])
    if body.get("message_reference"):
        reference = body["message_reference"]
        ids = {name: str(value) for name, value in reference.items() if name.endswith("_id")}
        body["message_reference"] = {**reference, **ids}
    if body.get("attachments"):
        body["attachments"] = [{**file, "id": str(file["id"])} for file in body["attachments"]]
    if (body.get("allowed_mentions") or {}).get("users"):
        allowed = body["allowed_mentions"]
        body["allowed_mentions"] = {**allowed, "users": [str(user) for user in allowed["users"]]}
    return body


def _escape(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
