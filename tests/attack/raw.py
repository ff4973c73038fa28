"""HTTP/1.1 as no client library would write it, byte by byte."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

WITHIN = 60.0
_CHUNK = b"%x\r\n%b\r\n" % (16_384, b"x" * 16_384)


@dataclass(frozen=True)
class RawAnswer:
    """What came back before the server closed the connection."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    sent: int = 0
    """Bytes of a body that went out before the answer came."""


async def said(url: str, request: bytes) -> RawAnswer:
    """The answer to these bytes; status 0 when the server only hung up."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        await writer.drain()
        return await _answer(reader)
    finally:
        await _closed(writer)


async def poured(url: str, head: bytes, *, at_most: int) -> RawAnswer:
    """The answer to a body in chunks that goes on until there is one."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    # What waits here was not read there, so little may wait.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    sent = 0
    answer = asyncio.create_task(_answer(reader))
    try:
        with suppress(OSError):
            writer.write(head)
            while sent < at_most and not answer.done():
                writer.write(_CHUNK)
                await writer.drain()
                sent += len(_CHUNK)
        got = await answer
        return RawAnswer(got.status, got.headers, got.body, sent)
    finally:
        await _closed(writer)


async def _answer(reader: asyncio.StreamReader) -> RawAnswer:
    async with asyncio.timeout(WITHIN):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            return RawAnswer(0)
        status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        body = b""
        with suppress(asyncio.IncompleteReadError, OSError):
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        return RawAnswer(int(status_line.split(" ")[1]), headers, body)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
