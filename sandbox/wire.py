"""How the sandbox's processes talk: one JSON object after its length, open files beside it, over a unix socket."""

import json
import os
import socket
import struct
from typing import Any

LARGEST = 8 << 20
MOST_FILES = 32


class Closed(Exception):
    """The other side is gone, or said something that is no message."""


def send(sock: socket.socket, message: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    """Send one message. The files stay open here. Raises Closed."""
    body = json.dumps(message).encode()
    data = struct.pack("!I", len(body)) + body
    try:
        sent = socket.send_fds(sock, [data], list(files)) if files else sock.send(data)
        if sent < len(data):
            sock.sendall(data[sent:])
    except OSError as error:
        raise Closed(str(error)) from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next message and the files that came with it, which are now the caller's to close. Raises Closed."""
    files: list[int] = []
    try:
        head = _take(sock, 4, files)
        (length,) = struct.unpack("!I", head)
        if length > LARGEST:
            raise Closed("a message that is too long")
        message = json.loads(_take(sock, length, files))
        if not isinstance(message, dict):
            raise Closed("a message of the wrong kind")
        return message, files
    except (OSError, ValueError, RecursionError) as error:
        close(files)
        raise Closed(str(error)) from error
    except Closed:
        close(files)
        raise


def close(files: list[int]) -> None:
    for number in files:
        os.close(number)


def _take(sock: socket.socket, count: int, files: list[int]) -> bytes:
    taken = bytearray()
    while len(taken) < count:
        piece, came, flags, _ = socket.recv_fds(sock, min(count - len(taken), 1 << 16), MOST_FILES)
        files.extend(came)
        if flags & socket.MSG_CTRUNC:
            raise Closed("more open files than a message may carry")
        if not piece:
            raise Closed("the other side is gone")
        taken += piece
    return bytes(taken)
