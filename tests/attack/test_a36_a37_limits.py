"""A36 and A37: what is too much is refused unread, and every refusal is a problem document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

import httpx
import pytest

from tests.attack.answers import faults_of
from tests.attack.conftest import Report
from tests.attack.raw import RawAnswer, poured, said
from tests.attack.size import FULL, sized
from tests.attack.target import Target
from tests.attack.targets import Targets
from tests.e2e.gateway import Gateway
from tests.e2e.visitor import bearer

LIMIT = 65_536
MANY = sized(5, 100)
IN_FLIGHT = 8 * 1024 * 1024
"""Bytes that the sockets of both sides may hold at the most while the answer is on its way."""

POST = (
    b"POST /api/v1/auth/register HTTP/1.1\r\nHost: bulkhead.example\r\n"
    b"Content-Type: application/json\r\n"
)
MARK = "marker8c1f"


async def _measured(target: Target, request: bytes) -> tuple[RawAnswer, float]:
    begun = perf_counter()
    answer = await said(target.url, request)
    return answer, (perf_counter() - begun) * 1_000


async def test_a36_what_is_too_much_is_refused_before_it_is_read(
    target: Target, report: Report
) -> None:
    attacks = {
        "a body's length": (POST + b"Content-Length: 10485760\r\n\r\n", {413}),
        "a length of 10^30": (POST + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n", {400, 413}),
        "a password of 1 MiB": (
            POST
            + b"Content-Length: 1048620\r\n\r\n"
            + b'{"email": "a@example.com", "password": "'
            + b"x" * 1_048_576
            + b'"}',
            {413},
        ),
        "10 000 headers": (
            b"GET /health/live HTTP/1.1\r\nHost: bulkhead.example\r\n"
            + b"".join(b"X-%d: y\r\n" % n for n in range(10_000))
            + b"\r\n",
            {431},
        ),
        "a header of 64 KiB": (
            b"GET /api/v1/users/me HTTP/1.1\r\nHost: bulkhead.example\r\nX: "
            + b"y" * LIMIT
            + b"\r\n\r\n",
            {431},
        ),
        "a URL of 64 KiB": (
            b"GET /" + b"u" * LIMIT + b" HTTP/1.1\r\nHost: bulkhead.example\r\n\r\n",
            {414},
        ),
    }
    before = _resident(target)
    slowest = {}

    for name, (request, statuses) in attacks.items():
        measured = [await _measured(target, request) for _ in range(MANY)]
        # 0: the server hung up while it was still being talked to.
        assert {answer.status for answer, _ in measured} <= statuses | {0}, name
        assert {answer.status for answer, _ in measured} & statuses, name
        slowest[name] = max(ms for _, ms in measured)

    grown = _resident(target) - before
    report(", ".join(f"{name}: {ms:.0f} ms" for name, ms in slowest.items()))
    report(f"resident memory grew by {grown / 1024:.1f} MiB")
    assert grown < 50 * 1024
    if FULL:
        assert max(slowest.values()) < 100


async def test_a36_a_body_without_a_length_is_read_up_to_the_limit(
    target: Target, report: Report
) -> None:
    before = _resident(target)

    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    answers = [await poured(target.url, head, at_most=8 * IN_FLIGHT) for _ in range(MANY)]

    sent = max(answer.sent for answer in answers)
    assert {answer.status for answer in answers} <= {413, 0}
    assert 413 in {answer.status for answer in answers}
    assert sent < IN_FLIGHT
    grown = _resident(target) - before
    report(f"{sent} bytes went out before the answer; memory grew by {grown / 1024:.1f} MiB")
    assert grown < 50 * 1024


async def test_a36_a_body_of_exactly_the_limit_is_read(target: Target) -> None:
    body = b'{"email": "a@example.com", "password": "' + b"x" * (LIMIT - 42) + b'"}'
    client = target.client()

    for extra, statuses in ((0, {422}), (1, {413})):
        answer = await client.post(
            "/api/v1/auth/register",
            content=body + b" " * extra,
            headers={"Content-Type": "application/json"},
        )
        assert len(answer.request.content) == LIMIT + extra
        assert answer.status_code in statuses


@pytest.fixture
async def behind_gateway(targets: Targets, tmp_path: Path) -> AsyncIterator[tuple[Target, Gateway]]:
    """A target whose way to the database can be cut."""
    gateway: Gateway | None = None

    async def through(url: str) -> str:
        nonlocal gateway
        gateway = Gateway(url)
        await gateway.open()
        return gateway.url

    target = await targets.start_through(through)
    assert gateway is not None
    yield target, gateway
    await gateway.cut()
    await target.close()


async def test_a37_every_refusal_is_a_problem_that_repeats_nothing(
    targets: Targets, behind_gateway: tuple[Target, Gateway]
) -> None:
    target, gateway = behind_gateway
    owner, other = target.attacker(), target.attacker()
    pair, others = await owner.joined(), await other.joined()
    client, signed = owner.client, bearer(pair.access_token)
    await owner.me(pair.access_token)
    await other.me(others.access_token)
    await owner.edit(pair.access_token, {"handle": f"h{MARK}"}, if_match="*")
    me = "/api/v1/users/me"
    login = "/api/v1/auth/login"
    marked = {"User-Agent": MARK, "Cookie": MARK, "Origin": f"https://{MARK}", "Referer": MARK}
    answers = {
        400: [
            await client.post(
                login, content=f'{{"{MARK}"', headers={"Content-Type": "application/json"}
            )
        ],
        401: [
            await client.get(me, headers=marked),
            await client.get(me, headers=bearer(MARK)),
            await client.post(login, json={"email": f"{MARK}@example.com", "password": MARK * 3}),
        ],
        403: [await client.get("/api/v1/auth/accounts", headers=signed, params={"q": MARK})],
        404: [await client.get(f"/{MARK}"), await client.post(f"/api/v1/{MARK}", headers=marked)],
        405: [await client.delete(login, headers=marked), await client.put(me, json={MARK: MARK})],
        409: [await other.edit(others.access_token, {"handle": f"H{MARK.upper()}"}, if_match="*")],
        412: [await owner.edit(pair.access_token, {"bio": MARK}, if_match='"999"')],
        413: [await client.post(login, content=MARK * 10_000)],
        414: [await client.get(f"/{MARK * 1_000}")],
        415: [await client.post(login, content=MARK, headers={"Content-Type": f"text/{MARK}"})],
        422: [
            await client.post(login, json={"email": [MARK], "password": {MARK: MARK}}),
            await owner.edit(pair.access_token, {"bio": MARK * 60, MARK: MARK}, if_match="*"),
        ],
        428: [await owner.edit(pair.access_token, {"bio": MARK}, if_match=None)],
        429: [await _too_often(target)],
        431: [await client.get(me, headers={f"X-{MARK}-{n}": MARK for n in range(200)})],
    }
    answers[500] = [await _defect(target)]
    await gateway.cut()
    answers[503] = [
        await client.get("/health/ready"),
        await client.post(login, json={"email": f"{MARK}@example.com", "password": MARK * 3}),
    ]
    target.wire.allowed |= {500, 503}
    target.defects_allowed = True

    for status, given in answers.items():
        for answer in given:
            assert answer.status_code == status, answer.text
            assert faults_of(answer, unsaid=MARK) == [], answer.text
    for answer in (*answers[429], *answers[503]):
        assert int(answer.headers["retry-after"]) >= 1
    assert {"GET", "PATCH"} <= {*re.split(r",\s*", answers[405][1].headers["allow"])}


async def _too_often(target: Target) -> httpx.Response:
    """The first refusal of a guess that came too soon after many others."""
    guesser = target.attacker()
    for guess in range(200):
        answer = await guesser.log_in(f"{MARK}@example.com", f"{MARK} {guess} {MARK}")
        if answer.status_code == 429:
            return answer
    raise AssertionError("two hundred guesses were heard")


async def _defect(target: Target) -> httpx.Response:
    """What a table that is not there makes of a login."""
    await target.statements.rows("ALTER TABLE auth.account RENAME TO account_away")
    try:
        return await target.attacker().log_in(f"{MARK}2@example.com", f"{MARK} {MARK} {MARK}")
    finally:
        await target.statements.rows("ALTER TABLE auth.account_away RENAME TO account")


def _resident(target: Target) -> int:
    """KiB of the target's process."""
    status = Path(f"/proc/{target.server.process.pid}/status").read_text()
    [size] = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(size)
