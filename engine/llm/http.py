"""The HTTP client under every provider's library: an answer has an end in time and in length.

A read timeout alone bounds each read, so a server that sends a byte now and then would hold a run for ever.
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx2

MOST_BYTES = 4_000_000
CONNECT_SECONDS = 10.0


class LimitedClient(httpx2.Client):
    """Reads at most MOST_BYTES of an answer, until `deadline` (of time.monotonic) at the latest."""

    deadline: float = float("inf")

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        if time.monotonic() >= self.deadline:
            raise httpx2.ReadTimeout("the time for this answer is over", request=request)
        response = super().send(request, stream=True, **options)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Limited(response.stream, self, request)
        if not stream:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response


class _Limited(httpx2.SyncByteStream):
    def __init__(self, inner: httpx2.SyncByteStream, client: LimitedClient, request: httpx2.Request) -> None:
        self._inner, self._client, self._request = inner, client, request

    def __iter__(self) -> Iterator[bytes]:
        count = 0
        for part in self._inner:
            count += len(part)
            if count > MOST_BYTES:
                raise httpx2.ReadError("the answer is too long", request=self._request)
            if time.monotonic() >= self._client.deadline:
                raise httpx2.ReadTimeout("the time for this answer is over", request=self._request)
            yield part

    def close(self) -> None:
        self._inner.close()


def open_client(timeout_seconds: float) -> LimitedClient:
    """A client of its own for one model; the proxy settings of the environment hold."""
    return LimitedClient(
        timeout=httpx2.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
        follow_redirects=False,
    )
