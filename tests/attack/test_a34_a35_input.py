"""A34 and A35: bodies and texts that break readers, wherever something is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from tests.attack.answers import faults_of
from tests.attack.attacker import Attacker, new_address
from tests.attack.raw import said
from tests.attack.size import sized
from tests.attack.surface import Operation, surface
from tests.attack.target import Target
from tests.e2e.hostile import HostileBody, hostile_bodies
from tests.e2e.visitor import PASSWORD, Pair, bearer

NAUGHTY: list[str] = json.loads(
    (Path(__file__).parents[1] / "data" / "naughty_strings.json").read_text("utf-8")
)
EVERY = sized(25, 1)
"""Of the strings, every so manieth goes to an input; the next input begins at the next one."""
BLANKS = [text for text in NAUGHTY if text and not text.strip("\u200b\u2060\ufeff\u00ad ").strip()]
BLANKS += [f"{text}x{text}" for text in BLANKS]
"""What a reader that means well takes away."""

NO_JSON = ("text-plain", "form-ct", "multipart-bad", "multipart-redos", "no-ct")
ROWS = """
SELECT (SELECT count(*) FROM auth.account), (SELECT count(*) FROM auth.session),
    (SELECT count(*) FROM messaging.event), (SELECT sum(version) FROM users.profile)
"""
HEADERS = (
    *("User-Agent", "Accept-Language", "Accept", "Authorization", "Cookie", "Origin", "Referer"),
    *("If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID", "X-Forwarded-For"),
    *("Forwarded", "Traceparent", "Content-Type", "Accept-Encoding", "Range", "Expect"),
)


@pytest.fixture
async def operations(target: Target) -> list[Operation]:
    return await surface(target.client())


async def test_a34_every_hostile_body_is_answered_as_it_deserves_everywhere(
    target: Target, operations: list[Operation]
) -> None:
    bodies = hostile_bodies()
    reading = [operation for operation in operations if operation.reads_json]
    wrong: list[tuple[str, str, int]] = []

    for operation in reading:
        # By somebody else each time: a budget of wrong guesses is not the subject.
        attacker = target.attacker()
        pair = await attacker.joined()
        await attacker.me(pair.access_token)
        for body in bodies:
            rows = await _rows(target, body)
            answer = await _post(attacker.client, operation, body, pair)
            done = body.id not in NO_JSON or rows == await _rows(target, body)
            fine = body.may_be_answered(answer.status_code) or (
                # Where no body is needed, these are none.
                body.id in ("null-body", "empty") and operation.path.endswith("/logout")
            )
            if not (done and fine and not _faults_of(answer)):
                wrong.append((body.id, str(operation), answer.status_code))

    assert len(bodies) == 46
    assert len(reading) >= 5
    assert wrong == []


async def test_a34_what_is_read_by_nobody_has_no_effect(
    target: Target, operations: list[Operation]
) -> None:
    attacker = target.attacker()
    await target.settle()
    rows = await _rows(target)

    for operation in operations:
        if operation.reads_json:
            for content_type in ("text/plain", "application/x-www-form-urlencoded", "text/json"):
                answer = await attacker.client.request(
                    operation.method,
                    operation.url(),
                    content=json.dumps(operation.usual_body()),
                    headers={"Content-Type": content_type},
                )
                assert answer.status_code in (401, 415), (str(operation), content_type)

    assert await _rows(target) == rows


async def test_a35_no_text_breaks_a_member_of_a_body(
    target: Target, operations: list[Operation]
) -> None:
    attacker = target.attacker()
    pair = await attacker.joined()
    inputs = [
        (operation, member)
        for operation in operations
        for member in operation.strings()
        if not operation.path.endswith(("/logout", "/account/delete"))
    ]
    wrong: list[tuple[str, str, str, object]] = []

    for nth, (operation, member) in enumerate(inputs):
        client = target.client()
        for text in _share_of(nth):
            answer = await client.request(
                operation.method,
                operation.url(),
                content=_encoded(operation, operation.usual_body() | {member: text}),
                headers=_headers(operation, pair),
            )
            if faults := _faults_of(answer):
                wrong.append((str(operation), member, ascii(text), faults))

    assert len(inputs) >= 10
    assert wrong == []


async def test_a35_what_is_accepted_comes_back_as_it_was(target: Target) -> None:
    owner = target.attacker()
    pair = await owner.joined()
    await owner.me(pair.access_token)
    accepted = dict.fromkeys(("display_name", "bio", "handle", "time_zone", "avatar_url"), 0)

    for nth, member in enumerate(accepted):
        for text in {*BLANKS, *_share_of(nth)}:
            edited = await owner.client.patch(
                "/api/v1/users/me",
                content=json.dumps({member: text}),
                headers=bearer(pair.access_token)
                | {"If-Match": "*", "Content-Type": "application/json"},
            )
            if edited.status_code == 200:
                accepted[member] += 1
                assert edited.json()[member] == text
                assert (await owner.me(pair.access_token)).json()[member] == text
            else:
                assert edited.status_code in (400, 409, 422), ascii(text)

    assert accepted["display_name"] > 3
    assert accepted["bio"] > 3


async def test_a35_no_text_breaks_a_path_a_query_or_a_cookie(
    target: Target, operations: list[Operation]
) -> None:
    attacker = target.attacker()
    pair = await attacker.joined()
    places = [
        (operation, place, name)
        for operation in operations
        for place, name in (*operation.parameters, ("query", "unknown"), ("cookie", "session"))
        if operation.method == "GET" or place in ("path", "query")
    ]
    wrong: list[tuple[str, str, str, object]] = []

    for nth, (operation, place, name) in enumerate(places):
        for text in _share_of(nth):
            shown = quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")
            url = operation.url(**{name: shown} if place == "path" else {})
            if place == "query":
                url = f"{url}?{quote_from_bytes(name.encode())}={shown}"
            headers = bearer(pair.access_token) if operation.method == "GET" else {}
            if place == "cookie":
                headers["Cookie"] = f"{name}={shown}"
            answer = await attacker.client.request(operation.method, url, headers=headers)
            if faults := _faults_of(answer):
                wrong.append((str(operation), f"{place} {name}", ascii(text), faults))

    assert len(places) >= 20
    assert wrong == []


async def test_a35_no_text_breaks_a_header(target: Target) -> None:
    attacker = target.attacker()
    pair = await attacker.joined()
    wrong: list[tuple[str, str, int]] = []

    for nth, name in enumerate(HEADERS):
        for text in _share_of(nth):
            # Whatever may stand in a line, in the bytes that a careless client would send.
            value = text.encode("utf-8", "surrogatepass")
            value = value.replace(b"\r", b" ").replace(b"\n", b" ")
            signed = b"" if name == "Authorization" else pair.access_token.encode()
            answer = await said(
                target.url,
                b"GET /api/v1/users/me HTTP/1.1\r\nHost: bulkhead.example\r\n"
                + b"Connection: close\r\n"
                + (b"Authorization: Bearer " + signed + b"\r\n" if signed else b"")
                + name.encode()
                + b": "
                + value
                + b"\r\n\r\n",
            )
            if answer.status >= 500:
                wrong.append((name, ascii(text), answer.status))

    assert wrong == []


async def test_a35_mails_hold_what_was_typed_and_nothing_that_was_made_of_it(
    target: Target,
) -> None:
    for local_part in ("{{7*7}}", "${7*7}", "%s%p%n", "#{7*7}", "{0}", "*{7*7}", "a&b='c"):
        unique = new_address().partition("@")[0][-12:]
        email = f"{local_part}.{unique}@example.com"
        answer = await target.attacker().register(email)
        if answer.status_code == 422:
            continue
        [mail] = await target.sink.to(email)
        assert str(mail.message["to"]) == email
        for text in (mail.text, mail.html, str(mail.message["subject"])):
            assert f"49.{unique}" not in text
            assert f"None.{unique}" not in text
            assert unique not in text or local_part in text or "&" in text


async def _rows(target: Target, body: HostileBody | None = None) -> dict[str, object]:
    """What there is in the database; read only where the answer matters."""
    if body is not None and body.id not in NO_JSON:
        return {}
    row = await target.statements.row(ROWS)
    assert row is not None
    return {column: row[column] for column in row.keys()}  # noqa: SIM118  # a record, no dict


async def _post(
    client: httpx.AsyncClient, operation: Operation, body: HostileBody, pair: Pair
) -> httpx.Response:
    return await client.request(
        operation.method,
        operation.url(),
        content=body.content,
        headers=bearer(pair.access_token) | {"If-Match": "*"} | body.headers,
    )


def _faults_of(answer: httpx.Response) -> list[str]:
    """What is wrong with it, if it is a refusal; one route speaks RFC 6749 §5.2 instead."""
    if answer.status_code < 400:
        return []
    if answer.url.path.endswith("/auth/token") and answer.status_code == 400:
        return [] if answer.json().keys() <= {"error", "error_description"} else ["is no error"]
    return faults_of(answer)


def _headers(operation: Operation, pair: Pair) -> dict[str, str]:
    kind = "application/x-www-form-urlencoded" if operation.is_form else "application/json"
    # A password that is asked for to be sure is a guess, and a good one ends this session.
    signed = {} if "current_password" in operation.body else bearer(pair.access_token)
    return signed | {"Content-Type": kind, "If-Match": "*"}


def _encoded(operation: Operation, body: dict[str, Any]) -> bytes:
    if not operation.is_form:
        return json.dumps(body).encode()
    parts = (
        f"{name}=" + quote_from_bytes(str(value).encode("utf-8", "surrogatepass"))
        for name, value in body.items()
        if value is not None
    )
    return "&".join(parts).encode()


def _share_of(nth: int) -> Iterator[str]:
    yield from NAUGHTY[nth % EVERY :: EVERY]


def test_a35_the_list_is_long_enough_and_holds_no_string_twice() -> None:
    assert len(NAUGHTY) >= 300
    assert len({*NAUGHTY}) == len(NAUGHTY)


async def test_a35_a_password_may_be_any_of_them(target: Target) -> None:
    for nth, text in enumerate(_share_of(0)):
        owner = Attacker(target.client())
        password = f"{PASSWORD} {nth} {text}"[:128]
        registered = await owner.client.post(
            "/api/v1/auth/register",
            content=json.dumps({"email": owner.email, "password": password}),
            headers={"Content-Type": "application/json"},
        )
        if registered.status_code == 202:
            login = await owner.log_in(owner.email, password)
            assert login.status_code == 200, ascii(text)
        else:
            assert registered.status_code in (400, 422), ascii(text)
