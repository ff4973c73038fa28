"""The head of a request: how long it may be, how long it may take, and what garbage is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.cli import guarded_protocol
from app.cli.guarded_protocol import MAX_HEAD_BYTES, GuardedHttpProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


class Wire(asyncio.Transport):
    """What went out, and whether the connection is still there."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("answered")(scope, receive, send)


def connected() -> tuple[GuardedHttpProtocol, Wire]:
    config = Config(application, log_config=None, lifespan="off")
    protocol, wire = GuardedHttpProtocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    return protocol, wire


def refused(wire: Wire) -> dict[str, Any]:
    head, body = wire.sent.split(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/problem+json" in lines
    assert b"x-content-type-options: nosniff" in lines
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    problem: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    assert wire.closed.is_set()
    return problem


async def test_a_request_is_answered_however_it_is_cut_into_pieces() -> None:
    protocol, wire = connected()

    for byte in REQUEST:
        protocol.data_received(bytes([byte]))
    await asyncio.gather(*protocol.tasks)

    assert wire.sent.startswith(b"HTTP/1.1 200")
    assert wire.sent.endswith(b"answered")
    protocol.connection_lost(None)


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9\r\n\r\n", b"FROB / HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_request_is_told_so_in_a_problem(garbage: bytes) -> None:
    protocol, wire = connected()

    protocol.data_received(garbage)

    assert refused(wire)["code"] == "bad_request"


async def test_a_head_without_an_end_is_cut() -> None:
    protocol, wire = connected()
    piece = b"x: " + b"y" * 65_000 + b"\r\n"

    protocol.data_received(b"GET / HTTP/1.1\r\n")
    for _ in range(MAX_HEAD_BYTES // len(piece)):
        protocol.data_received(piece)
    was_open = not wire.closed.is_set()
    protocol.data_received(piece)

    assert was_open
    assert refused(wire)["status"] == 431


async def test_each_request_of_a_connection_has_its_own_head() -> None:
    protocol, wire = connected()
    padding = b"x: " + b"y" * (MAX_HEAD_BYTES // 2) + b"\r\n"

    for _ in range(3):
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: a\r\n")
        protocol.data_received(padding)
        protocol.data_received(b"\r\n")
        await asyncio.gather(*protocol.tasks)

    assert not wire.closed.is_set()
    assert wire.sent.count(b"HTTP/1.1 200") == 3
    protocol.connection_lost(None)


async def test_a_head_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_protocol, "HEAD_SECONDS", 0.01)
    protocol, wire = connected()

    protocol.data_received(b"GET / HTTP/1.1\r\n")
    await asyncio.wait_for(wire.closed.wait(), 60)

    assert refused(wire)["status"] == 408


async def test_a_second_head_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded_protocol, "HEAD_SECONDS", 0.01)
    protocol, wire = connected()
    protocol.data_received(REQUEST)
    await asyncio.gather(*protocol.tasks)
    wire.sent = b""

    protocol.data_received(b"GET / HTTP/1.1\r\n")
    await asyncio.wait_for(wire.closed.wait(), 60)

    assert refused(wire)["status"] == 408


async def test_a_connection_that_says_nothing_is_closed_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded_protocol, "HEAD_SECONDS", 0.01)
    _, wire = connected()

    await asyncio.wait_for(wire.closed.wait(), 60)

    assert wire.sent == b""
