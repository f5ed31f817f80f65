"""A language model's server for tests: OpenAI's protocol (and Anthropic's) over real HTTP, streamed or whole.

What it answers is decided by a player, a function from a request to a reply. It listens on loopback only.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request, as it came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    number: int

    @property
    def tools(self) -> list[str]:
        return [
            tool["function"]["name"] if "function" in tool else tool["name"]
            for tool in self.body.get("tools", [])
        ]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def stage(self) -> str:
        """The stage that asks, from its brief; "planning" when none is named."""
        for message in self.messages:
            text = str(message.get("content") or "")
            if text.startswith("Stage: "):
                return text.split("\n")[0].removeprefix("Stage: ").replace(" ", "_")
        return "planning"

    @property
    def results(self) -> list[str]:
        """What tools have returned in this conversation."""
        return [str(message["content"]) for message in self.messages if message["role"] == "tool"]

    @property
    def first_step(self) -> tuple[str, dict[str, Any]] | None:
        """The first planned step, as the brief names it."""
        for message in self.messages:
            for line in str(message.get("content") or "").split("\n"):
                if line.startswith("First planned step: "):
                    name, _, rest = line.removeprefix("First planned step: ").partition("(")
                    return name, json.loads(rest[:-1])
        return None


Call = tuple[str, Any]


@dataclass(frozen=True)
class Says:
    """What the server answers. Arguments given as text are sent as they are, valid JSON or not."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    status: int = 200
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    usage: tuple[int, int] | None = (-1, -1)  # -1: about what it really is
    finish: str | None = ""  # "": the fitting one
    cut_after: int | None = None  # send so many bytes of the body, then drop the connection
    hang_seconds: float = 0.0
    raw: bytes | None = None


Player = Callable[[Asked], Says]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is not worth a line."""


class ModelServer:
    """Serves until `close`; remembers what it was asked."""

    def __init__(self, play: Player) -> None:
        self.play = play
        self.asked: list[Asked] = []
        self._released = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with server._lock:
                    asked = Asked(self.path, dict(self.headers), body, len(server.asked))
                    server.asked.append(asked)
                server._answer(self, asked, server.play(asked))

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def _answer(self, http: BaseHTTPRequestHandler, asked: Asked, says: Says) -> None:
        if says.hang_seconds:
            self._released.wait(says.hang_seconds)
        streamed = bool(asked.body.get("stream")) and says.status == 200 and says.raw is None
        if says.raw is not None:
            body = says.raw
        elif says.status != 200:
            body = json.dumps({"error": says.error or {"message": "no", "type": "test"}}).encode()
        elif asked.path.endswith("/messages"):
            body = (
                b"".join(_anthropic_stream(asked, says))
                if streamed
                else json.dumps(_anthropic(asked, says)).encode()
            )
        else:
            body = (
                b"".join(_openai_stream(asked, says))
                if streamed
                else json.dumps(_openai(asked, says)).encode()
            )
        try:
            http.send_response(says.status)
            http.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
            http.send_header("Content-Length", str(len(body)))
            for name, value in says.headers.items():
                http.send_header(name, value)
            http.end_headers()
            http.wfile.write(body[: says.cut_after])
            http.wfile.flush()
        except OSError:
            pass
        if says.cut_after is not None:
            http.close_connection = True


def _usage(asked: Asked, says: Says) -> tuple[int, int] | None:
    if says.usage != (-1, -1):
        return says.usage
    written = len(says.text) + sum(len(_text(args)) + len(name) for name, args in says.calls)
    return round(len(json.dumps(asked.body)) / 4), max(1, round(written / 4))


def _text(args: Any) -> str:
    return args if isinstance(args, str) else json.dumps(args)


def _finish(says: Says) -> str | None:
    return ("tool_calls" if says.calls else "stop") if says.finish == "" else says.finish


def _openai(asked: Asked, says: Says) -> dict[str, Any]:
    calls = [
        {
            "id": f"c{asked.number}_{at}",
            "type": "function",
            "function": {"name": name, "arguments": _text(args)},
        }
        for at, (name, args) in enumerate(says.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": says.text or None}
    if calls:
        message["tool_calls"] = calls
    whole: dict[str, Any] = {
        "id": f"r{asked.number}", "object": "chat.completion", "created": int(time.time()),
        "model": asked.body.get("model", "m"),
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(says)}],
    }  # fmt: skip
    usage = _usage(asked, says)
    if usage:
        whole["usage"] = {
            "prompt_tokens": usage[0],
            "completion_tokens": usage[1],
            "total_tokens": sum(usage),
        }
    return whole


def _openai_stream(asked: Asked, says: Says) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        whole = {
            "id": f"r{asked.number}", "object": "chat.completion.chunk", "created": int(time.time()),
            "model": asked.body.get("model", "m"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more,
        }  # fmt: skip
        return f"data: {json.dumps(whole)}\n\n".encode()

    yield chunk({"role": "assistant", "content": ""})
    for at in range(0, len(says.text), 400):
        yield chunk({"content": says.text[at : at + 400]})
    for at, (name, args) in enumerate(says.calls):
        head = {"index": at, "id": f"c{asked.number}_{at}", "type": "function"}
        yield chunk({"tool_calls": [{**head, "function": {"name": name, "arguments": ""}}]})
        written = _text(args)
        for start in range(0, len(written), 200):
            yield chunk(
                {"tool_calls": [{"index": at, "function": {"arguments": written[start : start + 200]}}]}
            )
    yield chunk({}, _finish(says))
    usage = _usage(asked, says)
    if usage and asked.body.get("stream_options", {}).get("include_usage"):
        counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
        yield chunk({}, usage=counted, choices=[])
    yield b"data: [DONE]\n\n"


def _anthropic(asked: Asked, says: Says) -> dict[str, Any]:
    usage = _usage(asked, says) or (0, 0)
    content: list[dict[str, Any]] = [{"type": "text", "text": says.text}] if says.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{asked.number}_{at}", "name": name, "input": args}
        for at, (name, args) in enumerate(says.calls)
    ]
    return {
        "id": f"msg_{asked.number}", "type": "message", "role": "assistant", "model": asked.body["model"],
        "content": content, "stop_reason": "tool_use" if says.calls else "end_turn", "stop_sequence": None,
        "usage": {"input_tokens": usage[0], "output_tokens": usage[1]},
    }  # fmt: skip


def _anthropic_stream(asked: Asked, says: Says) -> Iterator[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()

    whole = _anthropic(asked, says)
    opening = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield event("message_start", message=opening)
    for at, block in enumerate(whole["content"]):
        if block["type"] == "text":
            yield event("content_block_start", index=at, content_block={"type": "text", "text": ""})
            yield event("content_block_delta", index=at, delta={"type": "text_delta", "text": block["text"]})
        else:
            yield event("content_block_start", index=at, content_block={**block, "input": {}})
            written = json.dumps(block["input"])
            yield event(
                "content_block_delta", index=at, delta={"type": "input_json_delta", "partial_json": written}
            )
        yield event("content_block_stop", index=at)
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage=whole["usage"])
    yield event("message_stop")
