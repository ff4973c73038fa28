"""HTTP/1.1 on a keep-alive socket at next to no cost: a script says what to send, a wire times it.

A script is a generator: it yields the bytes of a request and is sent the answer.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple, cast


class Answer(NamedTuple):
    status: int
    body: bytes


Script = Generator[bytes, Answer, None]
SHUN_SECONDS = 0.02


@dataclass(kw_only=True)
class Window:
    """What one scenario saw between its first request and its last answer."""

    expected: frozenset[int]
    pause: float = 0.0
    left: int | None = None
    closed: bool = False
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def take(self) -> bool:
        """Whether one more request may be sent."""
        if self.closed:
            return False
        if self.left is not None:
            self.left -= 1
            return self.left >= 0
        return True


class Wire(asyncio.Protocol):
    """One client's connection: sends, waits for the whole answer, asks its script for the next."""

    def __init__(self, script: Script, window: Window) -> None:
        self.script = script
        self.window = window
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request: bytes | None = None
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._request = next(self.script, None)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.window.errors["connection lost"] += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or len(buffer) < end + 4 + _length(buffer, end):
            self._buffer = buffer
            return
        self._buffer = b""
        window = self.window
        status = int(buffer[9:12])
        window.seconds.append(perf_counter() - self._sent_at)
        pause = window.pause
        if status not in window.expected:
            window.errors[str(status)] += 1
            pause = SHUN_SECONDS
        self._request = None
        with contextlib.suppress(StopIteration):
            self._request = self.script.send(Answer(status, buffer[end + 4 :]))
        if pause:
            asyncio.get_running_loop().call_later(pause, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if self._request is None or not self.window.take():
            if not self.done.done():
                self.done.set_result(None)
                self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(self._request)


def _length(buffer: bytes, end: int) -> int:
    """The length of the body that the head, which ends at `end`, announces."""
    at = buffer.find(b"ontent-length:", 0, end)
    if at < 0:
        at = buffer.find(b"ontent-Length:", 0, end)
    if at < 0:
        return 0
    stop = buffer.find(b"\r", at)
    return int(buffer[at + 14 : stop])
