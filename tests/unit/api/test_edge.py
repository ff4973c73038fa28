"""The edge: headers of every answer, whose address it is, by which name, and from which pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope
from structlog.testing import capture_logs

from app.shared.api.client_address import client_address
from app.shared.api.strict_json import module_router
from tests.unit.api.small_app import ask, small_app

SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
HSTS = "strict-transport-security"
PAGE = "https://app.example.com"


def _router() -> APIRouter:
    router = module_router("/sample", ["sample"])

    @router.get("/plain")
    async def plain(request: Request) -> str | None:
        return request.client.host if request.client else None

    @router.post("/plain")
    async def write(body: dict[str, str]) -> int:
        return len(body)

    @router.get("/page")
    async def page() -> Response:
        headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "public"}
        return HTMLResponse("<p>", headers=headers)

    @router.get("/defect")
    async def defect() -> None:
        raise RuntimeError

    return router


def app_with(**facts: Any) -> FastAPI:
    return small_app(_router(), **facts)


def scope_of(*forwarded: str, peer: str | None = "192.0.2.9") -> Scope:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"headers": headers, "client": peer and (peer, 1)}


# Headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/sample/plain", 200),
        ("HEAD", "/api/v1/sample/plain", 200),
        ("PUT", "/api/v1/sample/plain", 405),
        ("POST", "/api/v1/sample/plain", 422),
        ("GET", "/api/v1/sample/defect", 500),
        ("GET", "/nowhere", 404),
        ("GET", "/" + "a" * 9_000, 414),
    ],
)
async def test_every_answer_has_the_headers_of_safety(method: str, path: str, status: int) -> None:
    answer = await ask(app_with(), method, path, json={"a": 1} if method == "POST" else None)

    assert answer.status_code == status
    assert SAFE_HEADERS.items() <= dict(answer.headers).items()
    assert "server" not in answer.headers


async def test_an_answer_s_own_word_stands_and_stands_alone() -> None:
    answer = await ask(app_with(), "GET", "/api/v1/sample/page")

    assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_list("cache-control") == ["public"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("environment", "public_url", "promised"),
    [
        ("production", "https://api.example.com", True),
        ("staging", "https://api.example.com", True),
        ("staging", "http://api.example.com", False),
        ("development", "https://api.example.com", False),
    ],
)
async def test_https_is_promised_where_clients_come_by_it(
    environment: str, public_url: str, promised: bool
) -> None:
    app = app_with(environment=environment, public_url=public_url)

    answer = await ask(app, "GET", "/api/v1/sample/plain")

    expected = "max-age=63072000; includeSubDomains" if promised else None
    assert answer.headers.get(HSTS) == expected


# Methods


async def test_head_is_what_get_answers_without_its_body() -> None:
    app = app_with()

    with capture_logs() as lines:
        head = await ask(app, "HEAD", "/api/v1/sample/plain")

    get = await ask(app, "GET", "/api/v1/sample/plain")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(get.content))
    assert head.headers.keys() == get.headers.keys()
    assert (lines[0]["method"], lines[0]["route"]) == ("HEAD", "/api/v1/sample/plain")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "CONNECT", "FROB"])
async def test_what_a_path_does_not_know_is_told_with_what_it_does(method: str) -> None:
    answer = await ask(app_with(), method, "/api/v1/sample/plain")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


# Address


@pytest.mark.parametrize(
    ("hops", "forwarded", "seen"),
    [
        (0, ["198.51.100.1"], "192.0.2.9"),
        (1, [], "192.0.2.9"),
        (1, ["198.51.100.1"], "198.51.100.1"),
        (1, ["203.0.113.66, 198.51.100.1"], "198.51.100.1"),
        (1, ["203.0.113.66", "198.51.100.1"], "198.51.100.1"),
        (2, ["203.0.113.66, 198.51.100.1", "10.0.0.1"], "198.51.100.1"),
        (2, ["198.51.100.1,10.0.0.1"], "198.51.100.1"),
        (2, ["198.51.100.1"], "192.0.2.9"),
        (1, ["198.51.100.1:4711"], "198.51.100.1"),
        (1, ["2001:DB8::1"], "2001:db8::1"),
        (1, ["[2001:db8:0::1]"], "2001:db8::1"),
        (1, ["[2001:db8::1]:4711"], "2001:db8::1"),
        (1, ["::ffff:198.51.100.1"], "198.51.100.1"),
        (1, ["unknown"], "192.0.2.9"),
        (1, ["198.51.100.1,"], "192.0.2.9"),
        (1, ["198.51.100.1, _hidden"], "192.0.2.9"),
        (1, ["fe80::1%eth0"], "192.0.2.9"),
        (1, ["198.51.100.01"], "192.0.2.9"),
        (1, ["[198.51.100.1"], "192.0.2.9"),
        (1, ["\xe9"], "192.0.2.9"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    hops: int, forwarded: list[str], seen: str
) -> None:
    assert client_address(scope_of(*forwarded), hops) == seen


@pytest.mark.parametrize(
    ("peer", "seen"), [("::ffff:192.0.2.9", "192.0.2.9"), ("2001:db8::9", "2001:db8::9")]
)
def test_an_address_has_one_spelling_without_a_proxy_as_well(peer: str, seen: str) -> None:
    assert client_address(scope_of(peer=peer), 0) == seen


def test_behind_a_socket_file_only_a_proxy_knows_the_address() -> None:
    assert client_address(scope_of(peer=None), 0) is None
    assert client_address(scope_of("198.51.100.1", peer=None), 1) == "198.51.100.1"


async def test_the_address_is_the_same_for_the_route_and_for_the_log() -> None:
    headers = {"X-Forwarded-For": "203.0.113.66, 198.51.100.1"}

    answer = await ask(
        app_with(trusted_proxy_hops=1), "GET", "/api/v1/sample/plain", headers=headers
    )

    assert answer.json() == "198.51.100.1"


@pytest.mark.parametrize("name", ["X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP"])
async def test_no_other_header_says_who_calls(name: str) -> None:
    headers = {name: "for=203.0.113.66" if name == "Forwarded" else "203.0.113.66"}

    answer = await ask(
        app_with(trusted_proxy_hops=1), "GET", "/api/v1/sample/plain", headers=headers
    )

    assert answer.json() == "127.0.0.1"


# Hosts


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("api.example.com", True),
        ("API.example.com:8443", True),
        ("a.b.example.org", True),
        ("[::1]:8000", True),
        ("[::1]", True),
        ("example.org", False),
        ("evil.example", False),
        ("api.example.com.evil.example", False),
        ("evil-api.example.com", False),
        ("notexample.org", False),
        ("api.example.com:80@evil.example", False),
        ("", False),
    ],
)
async def test_a_request_for_another_name_is_refused(host: str, known: bool) -> None:
    app = app_with(trusted_hosts=("api.example.com", "*.example.org", "[::1]"))

    answer = await ask(app, "GET", "/api/v1/sample/plain", headers={"Host": host})

    assert answer.status_code == (200 if known else 400)
    if not known:
        assert answer.json()["code"] == "host_unknown"
        assert answer.json()["type"].startswith("https://api.example.com/problems/")
        assert not host or host not in answer.text


async def test_two_names_are_none() -> None:
    app = app_with(trusted_hosts=("api.example.com",))
    headers = [("Host", "api.example.com"), ("Host", "evil.example")]

    answer = await ask(app, "GET", "/api/v1/sample/plain", headers=headers)

    assert answer.json()["code"] == "host_unknown"


async def test_probes_ask_by_address() -> None:
    app = app_with(trusted_hosts=("api.example.com",))

    answers = [
        await ask(app, "GET", path, headers={"Host": "10.0.0.7:8000"})
        for path in ("/health/live", "/metrics", "/healthy")
    ]

    assert [answer.json()["code"] for answer in answers] == [
        "not_found",
        "not_found",
        "host_unknown",
    ]


# Origins


def allowed(answer: httpx.Response) -> str | None:
    origin: str | None = answer.headers.get("access-control-allow-origin")
    return origin


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com/",
        "https://APP.example.com",
    ],
)
@pytest.mark.parametrize("listed", [(), (PAGE,)])
async def test_an_origin_that_is_not_listed_is_never_reflected(
    origin: str, listed: tuple[str, ...]
) -> None:
    app = app_with(cors_origins=listed, cors_credentials=True)
    preflight = {"Origin": origin, "Access-Control-Request-Method": "GET"}

    answers = [
        await ask(app, "GET", "/api/v1/sample/plain", headers={"Origin": origin}),
        await ask(app, "GET", "/nowhere", headers={"Origin": origin}),
        await ask(app, "OPTIONS", "/api/v1/sample/plain", headers=preflight),
    ]

    assert [allowed(answer) for answer in answers] == [None] * 3
    assert answers[0].status_code == 200
    assert answers[2].status_code == (403 if listed else 405)
    assert answers[2].headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status"),
    [("plain", 200), ("nowhere", 404), ("defect", 500), ("plain?" + "a" * 9_000, 414)],
)
async def test_a_listed_page_may_read_every_answer_refusals_included(
    path: str, status: int
) -> None:
    app = app_with(cors_origins=(PAGE,), cors_credentials=True)

    answer = await ask(app, "GET", f"/api/v1/sample/{path}", headers={"Origin": PAGE})

    assert (answer.status_code, allowed(answer)) == (status, PAGE)
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "Retry-After", "X-Request-ID", "WWW-Authenticate"} <= set(exposed)


async def test_a_listed_page_may_send_what_our_routes_read() -> None:
    app = app_with(cors_origins=(PAGE,))
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,idempotency-key",
    }

    answer = await ask(app, "OPTIONS", "/api/v1/sample/plain", headers=preflight)

    assert (answer.status_code, allowed(answer)) == (200, PAGE)
    assert "access-control-allow-credentials" not in answer.headers
    assert SAFE_HEADERS.items() <= dict(answer.headers).items()


async def test_a_preflight_for_what_nobody_may_send_is_a_problem() -> None:
    app = app_with(cors_origins=(PAGE,))
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "x-anything",
    }

    answer = await ask(app, "OPTIONS", "/api/v1/sample/plain", headers=preflight)

    assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")


async def test_any_origin_is_answered_without_its_name() -> None:
    answer = await ask(
        app_with(cors_origins=("*",)), "GET", "/api/v1/sample/plain", headers={"Origin": PAGE}
    )

    assert allowed(answer) == "*"
    assert "access-control-allow-credentials" not in answer.headers
