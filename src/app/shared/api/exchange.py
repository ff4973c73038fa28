"""One request and its answer as they pass the boundary: measured, limited, given their headers."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Send

from app.shared.api.errors import BodyTooLargeError
from app.shared.api.security_headers import SecurityHeaders


class Exchange:
    """The two directions of one request, watched."""

    __slots__ = (
        "_headers",
        "_id_header",
        "_receive",
        "_room",
        "_send",
        "finished",
        "status",
        "timeout",
    )

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        room: int,
        request_id: str,
        headers: SecurityHeaders,
    ) -> None:
        self._receive = receive
        self._send = send
        self._room = room
        self._id_header = (b"x-request-id", request_id.encode("ascii"))
        self._headers = headers
        self.timeout: asyncio.Timeout | None = None
        self.status: int | None = None
        self.finished = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._room -= len(message.get("body", b""))
            if self._room < 0:
                raise BodyTooLargeError
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            stated = [*message.get("headers", ()), self._id_header]
            message["headers"] = self._headers.complete(stated)
            if self.timeout is not None and not self.timeout.expired():
                # A stream may last; only waiting for its beginning is limited.
                self.timeout.reschedule(None)
        elif not message.get("more_body", False):
            self.finished = True
        await self._send(message)
