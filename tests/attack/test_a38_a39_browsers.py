"""A38 and A39: what every answer says to browsers, and which pages may read it."""

from __future__ import annotations

import httpx
import pytest

from tests.attack.raw import said
from tests.attack.surface import Operation, surface
from tests.attack.target import Target
from tests.attack.targets import ORIGIN, Targets
from tests.e2e.visitor import PASSWORD, bearer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HIDDEN = ("/docs", "/redoc", "/openapi.json", "/dev/mailbox", "/api/v1/auth/token")
FOREIGN = (
    *("https://evil.example", "null", "http://pages.example", "https://pages.example.evil.example"),
    *("https://evilpages.example", "https://pages.example:444", "https://xpages.example"),
    *("https://pages.example@evil.example", "https://PAGES.example", "*", "", "file://"),
)


@pytest.fixture
async def in_production(targets: Targets) -> Target:
    return await targets.in_production()


@pytest.fixture
async def operations(target: Target) -> list[Operation]:
    """As development describes them; production has the same, but for what is hidden."""
    return [
        operation
        for operation in await surface(target.client())
        if not operation.path.startswith(HIDDEN)
    ]


async def test_a38_every_answer_says_what_a_browser_must_not_do_with_it(
    in_production: Target, operations: list[Operation]
) -> None:
    attacker = in_production.attacker()
    pair = await in_production.verified(attacker)
    answers = [
        await attacker.client.request(method, operation.url(), headers=headers)
        for operation in operations
        for method in METHODS
        for headers in ({}, bearer(pair.access_token))
        # A logout would end the session that the other answers need.
        if not (operation.path.endswith("/logout") and method == "POST")
    ]
    answers += [await attacker.client.get(path) for path in ("/", "/nowhere", "/favicon.ico")]

    wrong = [
        (str(answer.request.method), answer.url.path, faults)
        for answer in answers
        if (faults := _unsafe(answer))
    ]

    assert len(answers) > 200
    assert wrong == []


async def test_a38_a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has(
    in_production: Target, operations: list[Operation]
) -> None:
    client = in_production.client()
    allowed: dict[str, set[str]] = {}
    for operation in operations:
        methods = allowed.setdefault(operation.path, set())
        methods |= {operation.method, "HEAD"} if operation.method == "GET" else {operation.method}
    wrong = []

    for operation in operations:
        own = allowed[operation.path]
        for method in {*METHODS} - own:
            answer = await client.request(method, operation.url())
            listed = {name.strip() for name in answer.headers.get("allow", "").split(",")}
            if answer.status_code != 405 or listed != own:
                wrong.append((method, operation.path, answer.status_code, listed))

    assert wrong == []


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND", "M-SEARCH"])
async def test_a38_nobody_is_connected_to_anybody(in_production: Target, method: str) -> None:
    answer = await said(
        in_production.url,
        f"{method} evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n".encode(),
    )

    assert 400 <= answer.status < 500
    assert b"evil" not in answer.body


@pytest.mark.parametrize("path", HIDDEN)
async def test_a38_production_has_no_page_for_developers(in_production: Target, path: str) -> None:
    client = in_production.client()

    for method in ("GET", "POST"):
        answer = await client.request(method, path)
        assert answer.status_code == 404, (method, path)


async def test_a38_metrics_tell_numbers_alone(in_production: Target) -> None:
    attacker = in_production.attacker()
    await attacker.register(attacker.email)

    answer = await attacker.client.get("/metrics")

    assert answer.status_code == 200
    assert "@" not in answer.text
    assert attacker.email not in answer.text


async def test_a39_without_a_list_no_page_of_another_origin_reads_anything(
    target: Target,
) -> None:
    client = target.client()

    for origin in ("https://evil.example", "null", ORIGIN):
        for method in ("GET", "OPTIONS"):
            answer = await client.request(method, "/api/v1/users/me", headers=_asked(origin))
            assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a39_no_origin_is_reflected_that_is_not_listed(in_production: Target) -> None:
    attacker = in_production.attacker()
    pair = await in_production.verified(attacker)

    async def allowed(origin: str) -> list[str | None]:
        simple = {"Origin": origin} | bearer(pair.access_token)
        client = attacker.client
        answers = [
            await client.options("/api/v1/users/me", headers=_asked(origin)),
            await client.get("/api/v1/users/me", headers=simple),
            await client.get("/nowhere", headers=simple),
            await client.post(
                "/api/v1/auth/login",
                json={"email": attacker.email, "password": PASSWORD},
                headers={"Origin": origin, "Cookie": "a=b"},
            ),
        ]
        for answer in answers:
            assert "origin" in answer.headers.get("vary", "").lower()
        return [answer.headers.get("access-control-allow-origin") for answer in answers]

    assert await allowed(ORIGIN) == [ORIGIN] * 4
    for origin in FOREIGN:
        assert await allowed(origin) == [None] * 4, origin


def _asked(origin: str) -> dict[str, str]:
    """What a browser asks before it sends a page's request."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,if-match",
    }


def _unsafe(answer: httpx.Response) -> list[str]:
    headers = answer.headers
    policy = headers.get("content-security-policy", "")
    faults = [
        name
        for name, holds in {
            "nosniff": headers.get("x-content-type-options") == "nosniff",
            "default-src": "default-src 'none'" in policy,
            "frame-ancestors": "frame-ancestors 'none'" in policy,
            "hsts": "max-age=" in headers.get("strict-transport-security", ""),
            "referrer": headers.get("referrer-policy") == "no-referrer",
            "banner": not {"server", "x-powered-by"} & {*headers},
            "request id": "x-request-id" in headers,
        }.items()
        if not holds
    ]
    kept = headers.get("cache-control", "")
    if "authorization" in answer.request.headers and "no-store" not in kept:
        # Public keys and pages are the same for everybody.
        public = answer.url.path.startswith(("/.well-known/", "/problems/"))
        faults += [] if public else ["no-store"]
    return faults
