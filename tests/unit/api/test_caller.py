"""Only one well-formed Authorization header says who calls."""

from __future__ import annotations

from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI
from structlog.contextvars import get_contextvars

from app.shared.api.caller import BearerToken, Caller
from app.shared.api.strict_json import module_router
from app.shared.application.principal import Authenticator, Principal
from tests.unit.api.small_app import ask, client_of, small_app

ADA = Principal(account_id=UUID(int=7))
TOKEN = "aA0-._~+/=="  # every character that RFC 6750 §2.1 allows


class OneToken(Authenticator):
    """Knows one token and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        self.asked.append(token)
        return ADA


def _app() -> tuple[FastAPI, OneToken]:
    router: APIRouter = module_router("/me", ["me"])

    @router.get("")
    async def me(caller: Caller) -> UUID:
        return caller.account_id

    @router.get("/context")
    async def context(caller: Caller) -> dict[str, str]:
        return get_contextvars()

    @router.get("/raw")
    async def raw(token: BearerToken) -> str | None:
        return token

    app = small_app(router)
    authenticator = OneToken()
    app.state.provided = {Authenticator: authenticator}
    return app, authenticator


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_bearer_token_names_the_caller(scheme: str) -> None:
    app, authenticator = _app()

    answer = await ask(app, "GET", "/api/v1/me", headers={"Authorization": f"{scheme} {TOKEN}"})

    assert answer.json() == str(ADA.account_id)
    assert authenticator.asked == [TOKEN]


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", TOKEN])
async def test_without_a_bearer_token_nobody_is_asked(header: str | None) -> None:
    app, authenticator = _app()

    answer = await ask(
        app, "GET", "/api/v1/me", headers={} if header is None else {"Authorization": header}
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert authenticator.asked == []


@pytest.mark.parametrize("token", ["a b", "a,b", 'a"b', "a=b", "\xe9", "{}"])
async def test_what_cannot_be_a_token_is_an_invalid_one(token: str) -> None:
    app, authenticator = _app()

    answer = await ask(
        app, "GET", "/api/v1/me", headers=[(b"authorization", b"Bearer " + token.encode("latin-1"))]
    )

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert authenticator.asked == []


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/me/raw"])
async def test_two_authorization_headers_are_refused(path: str) -> None:
    app, authenticator = _app()
    twice = [("Authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")]

    answer = await ask(app, "GET", path, headers=twice)

    assert (answer.status_code, answer.json()["code"]) == (400, "credentials_ambiguous")
    assert authenticator.asked == []


async def test_a_token_in_the_query_or_a_cookie_counts_for_nothing() -> None:
    app, authenticator = _app()

    async with client_of(app) as client:
        client.cookies.set("access_token", TOKEN)
        answer = await client.get("/api/v1/me", params={"access_token": TOKEN})

    assert answer.status_code == 401
    assert authenticator.asked == []


@pytest.mark.parametrize(
    ("header", "token"), [(f"Bearer {TOKEN}", TOKEN), ("Bearer a b", "a b"), ("Basic x", None)]
)
async def test_a_route_may_ask_for_the_raw_token(header: str, token: str | None) -> None:
    app, _ = _app()

    answer = await ask(app, "GET", "/api/v1/me/raw", headers={"Authorization": header})

    assert answer.json() == token


async def test_what_follows_is_logged_and_recorded_with_who_did_it() -> None:
    app, _ = _app()

    answer = await ask(
        app, "GET", "/api/v1/me/context", headers={"Authorization": f"Bearer {TOKEN}"}
    )

    assert answer.json()["actor"] == str(ADA.account_id)
    assert "actor" not in get_contextvars()
