"""Doubles of what is outside: an exchange's HTTP API and CoinSpot's list of latest prices, on the loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

STEP_MS = 300_000


@dataclass
class Venue:
    """What the double knows and how it misbehaves. Requests are recorded in order."""

    candles: dict[str, dict[int, list[Any]]] = field(default_factory=dict)  # BTCUSDT -> open time -> kline
    latest: Any = None
    failures: list[int] = field(default_factory=list)  # HTTP statuses for the next answers
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    page: int = 200
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> Any:
        if path == "/api/v3/exchangeInfo":
            return {"timezone": "UTC", "symbols": [_market(name) for name in self.candles]}
        if path == "/api/v3/klines":
            first = int(query.get("startTime", 0))
            stamps = [stamp for stamp in sorted(self.candles[query["symbol"]]) if stamp >= first]
            size = min(int(query.get("limit", 500)), self.page)
            return [self.candles[query["symbol"]][stamp] for stamp in stamps[:size]]
        if path == "/pubapi/v2/latest":
            return self.latest
        return None

    def klines(self) -> list[dict[str, str]]:
        """The requests for candles so far."""
        return [query for path, query in self.requests if path == "/api/v3/klines"]


def kline(open_ms: int, price: float, volume: float = 2.5) -> list[Any]:
    """A candle as Binance writes it."""
    texts = [str(price), str(price * 1.01), str(price * 0.99), str(price), str(volume)]
    return [open_ms, *texts, open_ms + STEP_MS - 1, "0", 10, "0", "0", "0"]


@contextmanager
def running(venue: Venue) -> Iterator[Venue]:
    """Serve a venue on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            venue.requests.append((parts.path, query))
            status = venue.failures.pop(0) if venue.failures and parts.path != "/api/v3/exchangeInfo" else 200
            found = venue.answer(parts.path, query) if status == 200 else b"<html>not now</html>"
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(404 if found is None else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    venue.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield venue
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _market(name: str) -> dict[str, Any]:
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": name.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "orderTypes": ["LIMIT"],
        "filters": [],
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
    }
