"""GET /auth/account, and with it the guard of every route: who gets in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from tests.e2e.conftest import Serve
from tests.e2e.resigning import expired, forged, resigned
from tests.e2e.visitor import Visitor, bearer, refused

PATH = "/api/v1/auth/account"
GUARDED = [("GET", PATH), ("GET", "/api/v1/users/me"), ("PATCH", "/api/v1/users/me")]


async def test_an_account_is_shown_to_its_owner(visitor: Visitor) -> None:
    pair = await visitor.newcomer("Ada@example.com")

    answer = await visitor.account(pair.access_token)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    account = answer.json()
    assert datetime.fromisoformat(account.pop("created_at")).tzinfo is not None
    assert account == {
        "id": pair.claims["sub"],
        "email": "Ada@example.com",
        "email_verified": False,
        "roles": ["user"],
        "locale": "en",
    }


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_token_nobody_gets_in(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await client.request(method, path, json={}, headers={"If-Match": "*"})

    problem = refused(answer, 401, "unauthenticated")
    assert "terminal" not in problem


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_a_bad_token_is_refused_as_the_standard_says(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    headers = bearer("nonsense") | {"If-Match": "*"}

    answer = await client.request(method, path, json={}, headers=headers)

    assert refused(answer, 401, "token_invalid")["terminal"] is True


async def test_a_token_counts_in_the_authorization_header_only(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    token = (await visitor.newcomer()).access_token

    answers = [
        await client.get(PATH, params={"access_token": token}),
        await client.get(PATH, headers={"Cookie": f"access_token={token}"}),
        await client.get(PATH, headers={"X-Authorization": f"Bearer {token}"}),
        await client.get(PATH, headers={"Authorization": f"Basic {token}"}),
        await client.get(PATH, headers={"Authorization": "Bearer"}),
        await client.get(PATH, headers={"Authorization": "Bearer "}),
        await client.get(PATH, headers={"Authorization": token}),
    ]

    for answer in answers:
        refused(answer, 401, "unauthenticated")


async def test_two_authorization_headers_are_refused(
    visitor: Visitor, client: httpx.AsyncClient
) -> None:
    token = (await visitor.newcomer()).access_token
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]

    answer = await client.get(PATH, headers=twice)

    refused(answer, 400, "credentials_ambiguous")


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "other"},
        {"aud": ["app"]},
        {"client_id": "other"},
        {"sub": "nobody"},
        {"sid": None},
        {"gen": "1"},
        {"epoch": -1},
        {"roles": "admin"},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"exp": None},
        {"exp": "4000000000"},
        {"jti": None},
        {"auth_time": 1.5},
    ],
    ids=lambda claims: "-".join(claims),
)
async def test_every_claim_is_checked_though_the_signature_is_right(
    visitor: Visitor, tmp_path: Path, claims: dict[str, Any]
) -> None:
    pair = await visitor.newcomer()

    answer = await visitor.account(resigned(pair.access_token, tmp_path / "keys", **claims))

    assert refused(answer, 401, "token_invalid")["terminal"] is True


async def test_forged_and_expired_tokens_are_told_apart(visitor: Visitor, tmp_path: Path) -> None:
    pair = await visitor.newcomer()

    forgery = await visitor.account(forged(pair.access_token))
    old = await visitor.account(expired(pair.access_token, tmp_path / "keys"))
    refresh_token = await visitor.account(pair.refresh_token)

    refused(forgery, 401, "token_invalid")
    refused(old, 401, "token_expired")
    refused(refresh_token, 401, "token_invalid")


async def test_an_account_that_is_gone_is_refused(visitor: Visitor, statements: Statements) -> None:
    pair = await visitor.newcomer()
    await statements.rows("delete from auth.account")

    answer = await visitor.account(pair.access_token)

    refused(answer, 401, "account_disabled")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("update auth.session set revoked_at = now()", "session_revoked"),
        ("update auth.account set auth_epoch = auth_epoch + 1", "session_revoked"),
        ("update auth.account set status = 'disabled'", "account_disabled"),
        ("delete from auth.account", "session_revoked"),
    ],
    ids=["revoked", "epoch", "disabled", "gone"],
)
async def test_strict_revocation_asks_the_database_at_every_request(
    serve: Serve, statements: Statements, end: str, code: str
) -> None:
    async with serve(auth={"strict_revocation": True}) as visitor:
        pair = await visitor.newcomer()
        assert (await visitor.account(pair.access_token)).status_code == 200
        await statements.rows(end)

        answer = await visitor.account(pair.access_token)

    refused(answer, 401, code)


async def test_a_revocation_stands_when_the_application_starts_anew(serve: Serve) -> None:
    async with serve() as visitor:
        pair = await visitor.newcomer()
        await visitor.log_out(refresh_token=pair.refresh_token)

    async with serve() as visitor:
        answer = await visitor.account(pair.access_token)

    refused(answer, 401, "session_revoked")


async def test_nobody_reads_another_account(visitor: Visitor) -> None:
    ada = await visitor.newcomer("ada@example.com")
    bob = await visitor.newcomer("bob@example.com")

    shown = [(await visitor.account(pair.access_token)).json()["id"] for pair in (ada, bob)]

    assert shown == [ada.claims["sub"], bob.claims["sub"]]


async def test_a_token_for_an_account_that_never_was_is_refused(
    visitor: Visitor, tmp_path: Path
) -> None:
    pair = await visitor.newcomer()
    nobody = resigned(pair.access_token, tmp_path / "keys", sub=str(new_id()))

    answer = await visitor.account(nobody)

    refused(answer, 401, "account_disabled")
