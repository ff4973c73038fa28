"""A client of the API in the product's own verbs; the same through ASGI and over a socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import jwt

ADDRESS = "ada@example.com"
PASSWORD = "seven quiet otters juggle"
PUBLIC_URL = "https://bulkhead.example"
PATIENCE = 30
"""How often somebody asks for a profile that is owed: a machine that is busy takes its time."""


@dataclass(frozen=True)
class Pair:
    """What login and refresh answer with, and what is written in it."""

    access_token: str
    refresh_token: str

    @classmethod
    def of(cls, response: httpx.Response) -> Pair:
        assert response.status_code == 200, response.text
        return cls(response.json()["access_token"], response.json()["refresh_token"])

    @property
    def generation(self) -> int:
        return int(self.refresh_token.split(".")[3])

    @property
    def session_id(self) -> UUID:
        return UUID(self.refresh_token.split(".")[2])

    @property
    def kid(self) -> str:
        return self.refresh_token.split(".")[1]

    @property
    def claims(self) -> dict[str, Any]:
        """Unverified."""
        found: dict[str, Any] = jwt.decode(self.access_token, options={"verify_signature": False})
        return found


class Visitor:
    """Somebody who uses the API, with one connection pool and no memory."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def register(self, email: str = ADDRESS, password: str = PASSWORD) -> httpx.Response:
        return await self.client.post(
            "/api/v1/auth/register", json={"email": email, "password": password}
        )

    async def log_in(
        self, email: str = ADDRESS, password: str = PASSWORD, **more: Any
    ) -> httpx.Response:
        return await self.client.post(
            "/api/v1/auth/login", json={"email": email, "password": password, **more}
        )

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.client.post("/api/v1/auth/refresh", json={"refresh_token": refresh_token})

    async def log_out(
        self, *, refresh_token: str | None = None, access_token: str | None = None
    ) -> httpx.Response:
        body = None if refresh_token is None else {"refresh_token": refresh_token}
        headers = None if access_token is None else bearer(access_token)
        return await self.client.post("/api/v1/auth/logout", json=body, headers=headers)

    async def account(self, access_token: str) -> httpx.Response:
        return await self.client.get("/api/v1/auth/account", headers=bearer(access_token))

    async def me(self, access_token: str) -> httpx.Response:
        """As a client of ours asks: once more, and again, while the profile is on its way."""
        answer = await self.me_at_once(access_token)
        for _ in range(PATIENCE):
            if answer.status_code != 503 or answer.json()["code"] != "profile_pending":
                break
            answer = await self.me_at_once(access_token)
        return answer

    async def me_at_once(self, access_token: str) -> httpx.Response:
        """The first answer, for which the service itself waits a second."""
        return await self.client.get("/api/v1/users/me", headers=bearer(access_token))

    async def edit(
        self, access_token: str, changes: Any, *, if_match: str | None = '"1"'
    ) -> httpx.Response:
        headers = bearer(access_token) | ({} if if_match is None else {"If-Match": if_match})
        return await self.client.patch("/api/v1/users/me", json=changes, headers=headers)

    async def newcomer(self, email: str = ADDRESS) -> Pair:
        """The first pair of an account that was just registered."""
        registered = await self.register(email)
        assert registered.status_code == 202, registered.text
        return Pair.of(await self.log_in(email))

    async def member(self, email: str = ADDRESS) -> Pair:
        """The first pair of a new account that has its profile already."""
        pair = await self.newcomer(email)
        assert (await self.me(pair.access_token)).status_code == 200
        return pair

    async def rotated(self, refresh_token: str) -> Pair:
        return Pair.of(await self.refresh(refresh_token))


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document (RFC 9457), when all that holds for every one holds for it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["type"] == f"{PUBLIC_URL}/problems/{code}"
    assert problem["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert problem["title"]
    assert problem["detail"]
    if status in (429, 503):
        assert int(response.headers["retry-after"]) >= 1
    if status == 401:
        error = ' error="invalid_token"' if "terminal" in problem else ""
        assert response.headers["www-authenticate"] == f"Bearer{error}"
    return problem
