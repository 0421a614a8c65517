"""Servers that stand in for an engine's HTTP interface."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import HTTPServer

AnyServer = TypeVar("AnyServer", bound="HTTPServer")


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps the tests' output clean."""

    def answer(self, status: int, body: object, **style: Any) -> None:
        """Answers in JSON, of the style that `json.dumps` takes."""
        content = json.dumps(body, **style).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: AnyServer) -> Iterator[AnyServer]:
    """Serves in a thread of its own until the block ends."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
