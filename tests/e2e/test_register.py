"""POST /auth/register."""

from __future__ import annotations

import httpx
import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.visitor import PASSWORD, Pair, Visitor, refused

PATH = "/api/v1/auth/register"


async def test_a_new_address_is_accepted(visitor: Visitor) -> None:
    answer = await visitor.register("ada@example.com")

    assert answer.status_code == 202
    assert answer.json() == {"status": "accepted"}


async def test_a_known_address_gets_the_same_answer_as_a_new_one(visitor: Visitor) -> None:
    new = await visitor.register("ada@example.com")

    known = await visitor.register("ada@example.com")
    other_spelling = await visitor.register("ADA@Example.COM")

    for answer in (known, other_spelling):
        assert answer.status_code == new.status_code
        assert answer.content == new.content
        assert _but_for_the_id(answer) == _but_for_the_id(new)


async def test_each_registration_commits_one_event(
    visitor: Visitor, statements: Statements
) -> None:
    await visitor.register("ada@example.com")
    await visitor.register("ada@example.com")

    rows = await statements.rows("select type from messaging.event order by position")
    assert [row["type"] for row in rows] == [
        "auth.account_registered",
        "auth.registration_repeated",
    ]


async def test_registering_a_known_address_leaves_its_password(visitor: Visitor) -> None:
    await visitor.register("ada@example.com", PASSWORD)

    await visitor.register("ada@example.com", "an intruder's own passphrase")

    assert (await visitor.log_in("ada@example.com", PASSWORD)).status_code == 200
    refused(
        await visitor.log_in("ada@example.com", "an intruder's own passphrase"),
        401,
        "invalid_credentials",
    )


async def test_no_event_carries_the_address(visitor: Visitor, statements: Statements) -> None:
    await visitor.register("somebody.special@example.com")

    stored = await statements.value("select string_agg(e::text, ' ') from messaging.event as e")
    assert "special" not in stored


async def test_the_password_is_stored_as_an_argon2id_hash(
    visitor: Visitor, statements: Statements
) -> None:
    await visitor.register("ada@example.com")

    assert (await statements.value("select password_hash from auth.account")).startswith(
        "$argon2id$v=19$m=8,t=1,p=1$"
    )


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"email": "nobody", "password": PASSWORD}, "email_invalid", "/email"),
        ({"email": "a@example.com,b@example.com", "password": PASSWORD}, "email_invalid", "/email"),
        ({"email": "ada@example.com", "password": "x" * 14}, "password_too_short", "/password"),
        ({"email": "ada@example.com", "password": "ab" * 65}, "password_too_long", "/password"),
        (
            {"email": "ada@example.com", "password": "password1234567"},
            "password_too_common",
            "/password",
        ),
        (
            {"email": "ada.lovelace@example.com", "password": "ada.lovelace.ada.lovelace"},
            "password_guessable",
            "/password",
        ),
        ({"email": "ada@example.com"}, "validation", "/password"),
        ({"password": PASSWORD}, "validation", "/email"),
        ({"email": ["ada@example.com"], "password": PASSWORD}, "validation", "/email"),
        ({"email": "ada@example.com", "password": PASSWORD, "roles": ["admin"]}, "validation", ""),
        ([], "validation", ""),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_place(
    client: httpx.AsyncClient, statements: Statements, body: object, code: str, pointer: str
) -> None:
    answer = await client.post(PATH, json=body)

    problem = refused(answer, 422, code)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert await statements.value("select count(*) from auth.account") == 0


@pytest.mark.parametrize("length", [15, 64, 128])
async def test_every_allowed_length_is_accepted_and_counts_in_full(
    visitor: Visitor, length: int
) -> None:
    password = ("quiet otters juggle at dawn, " * 5)[:length]

    registered = await visitor.register("ada@example.com", password)

    assert registered.status_code == 202
    assert (await visitor.log_in("ada@example.com", password)).status_code == 200
    refused(await visitor.log_in("ada@example.com", password[:-1]), 401, "invalid_credentials")


async def test_the_rest_after_a_nul_counts_as_well(visitor: Visitor) -> None:
    await visitor.register("ada@example.com", "quiet otters\x00juggle at dawn")

    exact = await visitor.log_in("ada@example.com", "quiet otters\x00juggle at dawn")
    other = await visitor.log_in("ada@example.com", "quiet otters\x00juggle at dusk")

    assert exact.status_code == 200
    refused(other, 401, "invalid_credentials")


async def test_the_display_form_of_the_address_is_kept(visitor: Visitor) -> None:
    await visitor.register("  Mike@Example.COM ")

    pair = Pair.of(await visitor.log_in("mike@example.com"))

    assert (await visitor.account(pair.access_token)).json()["email"] == "Mike@Example.COM"


def _but_for_the_id(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers.items() if name != "x-request-id"]
