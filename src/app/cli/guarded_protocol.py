"""What a connection may do before its request has reached the application.

uvicorn reads the head of a request without an end: neither its size nor its time is limited, and
what it cannot read it answers with a line of text. A proxy in front usually sees to that; without
one it is seen to here.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 1_048_576
"""Beyond this the connection is cut. What is merely too long the application refuses itself, far
below, with a page about it."""
MAX_READABLE_URL = 32_768
HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a request, to the end of its head."""

_REFUSALS = {
    400: ("bad_request", "The request cannot be understood."),
    408: ("request_timeout", "The request did not arrive in time."),
    431: ("headers_too_large", "The request has more or longer headers than this service accepts."),
}


class GuardedHttpProtocol(HttpToolsProtocol):
    """uvicorn's, which gives up on a head that is too long or too slow, and says so as we do."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431)
        elif self._deadline is None:
            self._limit_time()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        # uvicorn cannot read a longer one; the application refuses what is left of it as too long.
        self.url = self.url[:MAX_READABLE_URL]
        super().on_headers_complete()
        self._requests += 1

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(400)

    def _limit_time(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        if self._requests and not self.cycle.response_complete:
            # The request before is still being answered, and nothing may be said in between.
            self._limit_time()
        elif self._head_bytes:
            self._refuse(408)
        else:
            self.transport.close()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        self._stop_waiting()
        self.transport.write(_answer(status))
        self.transport.close()


def _answer(status: int) -> bytes:
    """Without a type of its own (RFC 9457 §4.2.1): out here nobody knows where our pages are."""
    phrase = HTTPStatus(status).phrase
    code, detail = _REFUSALS[status]
    problem = {"type": "about:blank", "title": phrase, "status": status, "code": code}
    body = json.dumps(problem | {"detail": detail}).encode("ascii")
    head = (
        f"HTTP/1.1 {status} {phrase}\r\n"
        "content-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\n"
        "cache-control: no-store\r\n"
        "content-security-policy: default-src 'none'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'\r\n"
        "x-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
