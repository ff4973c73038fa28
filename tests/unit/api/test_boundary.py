"""Limits, ids, log lines and defects at the boundary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import pytest
import structlog
from fastapi import APIRouter, Form, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Message, Scope
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from app.shared.api.errors import RequestTimeoutError
from app.shared.api.limits import MAX_HEADERS, MAX_URI_BYTES
from app.shared.api.strict_json import module_router
from tests.unit.api.small_app import ask, small_app

SECRET = "s3cret-Zq9x"


class Answer(BaseModel):
    token: int


def _router() -> APIRouter:
    router = module_router("/sample", ["sample"])

    @router.get("/things/{thing_id}")
    async def read(thing_id: str) -> dict[str, object]:
        return get_contextvars()

    @router.post("/body")
    async def take(body: dict[str, str]) -> int:
        return len(body)

    @router.post("/form")
    async def form(field: Annotated[str, Form()]) -> int:
        return len(field)

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/defect")
    async def defect() -> None:
        raise RuntimeError(SECRET)

    @router.get("/outage")
    async def outage() -> None:
        raise RequestTimeoutError from OSError(SECRET)

    @router.get("/inner-timeout")
    async def inner_timeout() -> None:
        raise TimeoutError

    @router.get("/misfit", response_model=Answer)
    async def misfit() -> dict[str, str]:
        return {"token": SECRET}

    @router.get("/never")
    async def never() -> None:
        await asyncio.Event().wait()

    @router.get("/stream")
    async def stream(broken: bool = False) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            # Longer than the limit, which is for the beginning only.
            await asyncio.sleep(0.05)
            if broken:
                raise RuntimeError(SECRET)
            yield b"two"

        return StreamingResponse(parts())

    return router


async def test_an_answer_carries_the_id_that_the_log_lines_of_its_request_have() -> None:
    app = small_app(_router())

    answer = await ask(app, "GET", "/api/v1/sample/things/1", headers={"X-Request-Id": "mine"})

    request_id = answer.headers["x-request-id"]
    assert UUID(request_id).version == 7
    assert answer.json() == {"request_id": request_id, "client": "127.0.0.1"}
    assert "request_id" not in get_contextvars()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01; evil", False),
    ],
)
async def test_the_trace_that_a_request_belongs_to_is_known_inside(sent: str, kept: bool) -> None:
    app = small_app(_router())

    with capture_logs(processors=[merge_contextvars]) as lines:
        await ask(app, "GET", "/api/v1/sample/things/1", headers={"traceparent": sent})

    assert [line.get("traceparent") for line in lines] == [sent if kept else None]


async def test_a_request_is_one_line_with_its_route_and_nothing_that_was_sent() -> None:
    app = small_app(_router())

    with capture_logs() as lines:
        await ask(
            app,
            "GET",
            f"/api/v1/sample/things/{SECRET}",
            params={"token": SECRET},
            headers={"X-Request-Id": "client-7"},
        )

    (line,) = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/api/v1/sample/things/{thing_id}",
        "status": 200,
        "client_request_id": "client-7",
    }


async def test_an_outage_is_logged_with_the_kind_of_its_cause() -> None:
    app = small_app(_router())

    with capture_logs() as lines:
        await ask(app, "GET", "/api/v1/sample/outage")

    assert (lines[0]["status"], lines[0]["cause"]) == (503, "OSError")
    assert SECRET not in str(lines)


@pytest.mark.parametrize("hostile", ["a b", "x" * 65, "a\x1b[31m", ""])
async def test_a_client_id_that_could_forge_a_line_is_left_out(hostile: str) -> None:
    app = small_app(_router())

    with capture_logs() as lines:
        await ask(app, "GET", "/nowhere", headers={"X-Request-Id": hostile})

    assert "client_request_id" not in lines[0]
    assert (lines[0]["route"], lines[0]["problem"]) == (None, "not_found")


async def test_a_probe_is_logged_for_debugging_only() -> None:
    router = APIRouter()

    @router.get("/health/live")
    async def live() -> None: ...

    app = small_app()
    app.include_router(router)

    with capture_logs() as lines:
        await ask(app, "GET", "/health/live")

    assert [line["log_level"] for line in lines] == ["debug"]


@pytest.mark.parametrize("path", ["body", "form", "raw"])
@pytest.mark.parametrize("streamed", [False, True], ids=["declared", "streamed"])
async def test_a_body_over_the_limit_is_too_large(path: str, streamed: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"field=aaaa"

    media_type = "application/x-www-form-urlencoded" if path == "form" else "application/json"
    app = small_app(_router(), max_body_bytes=40)

    answer = await ask(
        app,
        "POST",
        f"/api/v1/sample/{path}",
        content=parts() if streamed else b"field=aaaa" * 5,
        headers={"content-type": media_type},
    )

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


async def test_a_body_that_is_declared_too_large_is_not_even_read() -> None:
    app = small_app(_router(), max_body_bytes=40)

    answer = await ask(app, "GET", "/api/v1/sample/defect", headers={"content-length": "41"})

    assert answer.status_code == 413


async def test_a_body_of_just_the_limit_is_read() -> None:
    app = small_app(_router(), max_body_bytes=40)

    answer = await ask(app, "POST", "/api/v1/sample/raw", content=b"a" * 40)

    assert answer.json() == 40


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5_000, 413), ("-1", 400), ("1e3", 400), ("", 400)]
)
async def test_a_content_length_that_is_none_is_refused(length: str, status: int) -> None:
    app = small_app(_router())

    answer = await ask(app, "GET", "/api/v1/sample/raw", headers={"content-length": length})

    assert answer.status_code == status


async def test_a_url_that_is_too_long_is_refused() -> None:
    answer = await ask(small_app(), "GET", "/" + "a" * MAX_URI_BYTES)

    assert (answer.status_code, answer.json()["code"]) == (414, "uri_too_long")


async def test_a_url_is_as_long_as_it_was_sent() -> None:
    answer = await ask(small_app(), "GET", "/" + "%F0%9F%98%80" * 700)

    assert answer.status_code == 414


@pytest.mark.parametrize(
    "headers", [{f"x-{n}": "v" for n in range(MAX_HEADERS)}, {"x-long": "v" * 40_000}]
)
async def test_headers_that_are_too_many_or_too_long_are_refused(headers: dict[str, str]) -> None:
    answer = await ask(small_app(), "GET", "/", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


async def test_a_request_that_takes_too_long_is_answered_without_its_result() -> None:
    app = small_app(_router(), request_timeout=timedelta(seconds=0.01))

    answer = await ask(app, "GET", "/api/v1/sample/never")

    assert (answer.status_code, answer.json()["code"]) == (503, "request_timeout")
    assert answer.headers["retry-after"] == "1"


async def test_a_stream_may_last_longer_than_the_limit() -> None:
    app = small_app(_router(), request_timeout=timedelta(seconds=0.02))

    answer = await ask(app, "GET", "/api/v1/sample/stream")
    while answer.status_code == 503:  # the machine halted before it began
        answer = await ask(app, "GET", "/api/v1/sample/stream")

    assert answer.text == "onetwo"


@pytest.mark.parametrize("path", ["defect", "inner-timeout", "misfit"])
async def test_a_defect_is_a_500_that_tells_nothing_of_it(path: str) -> None:
    app = small_app(_router())

    with capture_logs() as lines:
        answer = await ask(app, "GET", f"/api/v1/sample/{path}")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert answer.json()["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert SECRET not in answer.text
    assert [line["event"] for line in lines] == ["request failed", "request"]
    assert lines[0]["exc_info"].__traceback__ is not None


async def test_the_log_of_an_answer_that_does_not_fit_leaves_the_answer_out() -> None:
    app = small_app(_router())

    with capture_logs() as lines:
        await ask(app, "GET", "/api/v1/sample/misfit")

    written = structlog.processors.format_exc_info(None, "error", dict(lines[0]))
    assert "int_parsing" in written["exception"]
    assert SECRET not in written["exception"]


async def test_a_stream_that_breaks_is_cut_and_not_completed() -> None:
    app = small_app(_router())

    with capture_logs() as lines, pytest.raises(RuntimeError, match=SECRET):
        await ask(app, "GET", "/api/v1/sample/stream", params={"broken": True})

    assert [line["event"] for line in lines] == ["request failed", "request"]


async def test_a_client_that_leaves_is_no_error() -> None:
    app = small_app(_router())
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as lines:
        await app(_scope("POST", "/api/v1/sample/body"), receive, send)

    assert sent == []
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]


async def test_a_websocket_and_the_lifespan_pass_untouched() -> None:
    app = small_app()
    sent: list[Message] = []
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(events)

    async def send(message: Message) -> None:
        sent.append(message)

    with capture_logs() as lines:
        await app({"type": "lifespan", "state": {}}, receive, send)

    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert lines == []


def _scope(method: str, path: str) -> Scope:
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "https",
        "query_string": b"",
        "headers": [(b"host", b"api.example.com"), (b"content-type", b"application/json")],
        "client": ("192.0.2.1", 1),
        "server": ("api.example.com", 443),
    }
    return scope
