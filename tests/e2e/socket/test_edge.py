"""The edge of a real server: what is too much, what is no request, and what every answer says."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.infrastructure.database_clock import DatabaseClock
from tests.e2e.socket.conftest import StartServer
from tests.e2e.socket.server import Server
from tests.e2e.visitor import PUBLIC_URL, Visitor, bearer, refused

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FROB")
SAFETY = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
    "cache-control",
}


async def exchange(server: Server, *pieces: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """What comes back for the bytes, until the server closes: status line, headers, body."""
    at = urlsplit(server.url)
    answer = await asyncio.to_thread(_said, (at.hostname or "", at.port or 0), pieces)
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return status.encode(), headers, body


def _said(address: tuple[str, int], pieces: Sequence[bytes]) -> bytes:
    """A server that has heard enough does not wait for the rest, so its end may be a reset; what it
    said before that is there to be read."""
    with socket.create_connection(address, timeout=60) as talk:
        with suppress(ConnectionError):
            for piece in pieces:
                talk.sendall(piece)
        answer = b""
        with suppress(ConnectionError):
            while part := talk.recv(65_536):
                answer += part
    return answer


def problem(answer: tuple[bytes, dict[str, str], bytes], status: int, code: str) -> dict[str, Any]:
    line, headers, body = answer
    assert line.split(b" ")[1] == str(status).encode()
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers
    told: dict[str, Any] = json.loads(body)
    assert (told["status"], told["code"]) == (status, code)
    return told


def request(target: str = "/health/live", *more: str, method: str = "GET") -> bytes:
    lines = (f"{method} {target} HTTP/1.1", "Host: a", "Connection: close", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def test_too_many_headers_and_a_long_url_get_their_problem(server: Server) -> None:
    many = [f"X-Header-{number}: value-{number}" for number in range(10_000)]

    too_many = await exchange(server, request("/health/live", *many))
    too_long = await exchange(server, request("/" + "a" * 65_536))
    encoded = await exchange(server, request("/" + "%F0%9F%98%80" * 5_000))

    assert problem(too_many, 431, "headers_too_large")["type"].startswith(PUBLIC_URL)
    assert problem(too_long, 414, "uri_too_long")["type"].startswith(PUBLIC_URL)
    assert problem(encoded, 414, "uri_too_long")


async def test_a_head_without_an_end_is_cut(server: Server) -> None:
    piece = b"X: " + b"y" * 60_000 + b"\r\n"

    answer = await exchange(server, b"GET / HTTP/1.1\r\n", *[piece] * 18)

    problem(answer, 431, "headers_too_large")


async def test_a_body_over_the_limit_is_refused_with_and_without_its_length(
    server: Server,
) -> None:
    body = b"a" * 70_000
    json_body = ("/api/v1/auth/login", "Content-Type: application/json")

    declared = request(*json_body, f"Content-Length: {len(body)}", method="POST") + body
    chunked = request(*json_body, "Transfer-Encoding: chunked", method="POST")
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    for sent in (declared, chunked):
        problem(await exchange(server, sent), 413, "body_too_large")


async def test_what_is_no_request_to_us_is_a_problem(server: Server) -> None:
    for garbage in (
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        told = problem(await exchange(server, garbage), 400, "bad_request")

        assert told["type"] == "about:blank"


async def test_an_absolute_target_and_a_foreign_host_make_no_link(server: Server) -> None:
    evil = ("X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher", "Forwarded: host=evil")

    answer = await exchange(server, request("http://evil.example/nowhere", *evil))

    assert b"evil" not in answer[2]
    assert problem(answer, 404, "not_found")["type"] == f"{PUBLIC_URL}/problems/not_found"


async def test_every_method_of_every_path_is_answered_as_it_should(server: Server) -> None:
    client = server.client()
    paths = (await client.get("/openapi.json")).json()["paths"]
    wrong: list[tuple[str, str, int]] = []

    for path, item in paths.items():
        allowed = {method.upper() for method in item}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        target = re.sub(r"\{\w+\}", "019b76da-a800-7000-8000-000000000000", path)
        for method in sorted({*METHODS} - {"CONNECT", "FROB"} - allowed):
            answer = await client.request(method, target)
            listed = set(answer.headers.get("allow", "").split(", "))
            if answer.status_code != 405 or listed != allowed or not {*answer.headers} >= SAFETY:
                wrong.append((method, path, answer.status_code))

    assert len(paths) >= 13
    assert wrong == []


async def test_head_answers_what_get_does_and_leaves_the_connection_usable(
    visitor: Visitor,
) -> None:
    pair = await visitor.member()
    headers = bearer(pair.access_token)

    head = await visitor.client.head("/api/v1/users/me", headers=headers)
    get = await visitor.client.get("/api/v1/users/me", headers=headers)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == str(len(get.content))


async def test_outside_development_another_name_is_refused_and_https_is_promised(
    start_server: StartServer, tmp_path: Path
) -> None:
    KeyRing.ensure(tmp_path / "keys", DatabaseClock(), publish_ahead=timedelta(minutes=5))
    server = await start_server("--no-dispatch", APP_ENVIRONMENT="staging")
    client = server.client()

    by_address = await client.get("/.well-known/jwks.json")
    by_name = await client.get("/.well-known/jwks.json", headers={"Host": "bulkhead.example"})
    probe = await client.get("/health/ready")

    refused(by_address, 400, "host_unknown")
    assert (by_name.status_code, probe.status_code) == (200, 200)
    assert all(
        "max-age=" in answer.headers["strict-transport-security"]
        for answer in (by_address, by_name, probe)
    )


async def test_behind_a_proxy_the_log_has_the_address_that_the_proxy_saw(
    start_server: StartServer,
) -> None:
    server = await start_server("--no-dispatch", APP_TRUSTED_PROXY_HOPS="1")
    headers = {"X-Forwarded-For": "203.0.113.66, 198.51.100.7", "X-Real-IP": "203.0.113.77"}

    await server.client().get("/nowhere", headers=headers)

    await server.stop()
    assert '"client": "198.51.100.7"' in server.log()
    assert "203.0.113" not in server.log()
