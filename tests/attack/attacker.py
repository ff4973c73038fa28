"""Somebody who uses every route of accounts, whatever for."""

from __future__ import annotations

from typing import Any

import httpx

from app.shared.domain.ids import new_id
from tests.e2e.visitor import PASSWORD, Pair, Visitor, bearer


def new_address(domain: str = "example.com") -> str:
    """One that no other test uses, so that a target can be shared."""
    return f"a{new_id().hex}@{domain}"


class Attacker(Visitor):
    """A visitor with an address of its own, on the network and for mail."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__(client)
        self.email = new_address()

    async def joined(self, email: str | None = None, password: str = PASSWORD) -> Pair:
        """The first pair of a new account."""
        email = email or self.email
        registered = await self.register(email, password)
        assert registered.status_code == 202, registered.text
        return Pair.of(await self.log_in(email, password))

    async def post(self, path: str, body: Any = None, access_token: str = "") -> httpx.Response:
        headers = bearer(access_token) if access_token else None
        return await self.client.post(f"/api/v1/auth{path}", json=body, headers=headers)

    async def forgot(self, email: str) -> httpx.Response:
        return await self.post("/password/forgot", {"email": email})

    async def reset(self, token: Any, new_password: str) -> httpx.Response:
        return await self.post("/password/reset", {"token": token, "new_password": new_password})

    async def change_password(
        self, access_token: str, current_password: str, new_password: str
    ) -> httpx.Response:
        body = {"current_password": current_password, "new_password": new_password}
        return await self.post("/password/change", body, access_token)

    async def resend(self, email: str) -> httpx.Response:
        return await self.post("/email/resend", {"email": email})

    async def verify(self, token: Any) -> httpx.Response:
        return await self.post("/email/verify", {"token": token})

    async def change_email(
        self, access_token: str, new_email: str, current_password: str = PASSWORD
    ) -> httpx.Response:
        body = {"new_email": new_email, "current_password": current_password}
        return await self.post("/email/change", body, access_token)

    async def confirm_email(self, token: Any) -> httpx.Response:
        return await self.post("/email/change/confirm", {"token": token})

    async def delete_account(
        self, access_token: str, current_password: str = PASSWORD
    ) -> httpx.Response:
        return await self.post(
            "/account/delete", {"current_password": current_password}, access_token
        )

    async def new_api_key(self, access_token: str, *scopes: str) -> httpx.Response:
        body = {"name": "a key", "scopes": [*scopes], "current_password": PASSWORD}
        return await self.post("/api-keys", body, access_token)

    async def get(self, path: str, access_token: str) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", headers=bearer(access_token))

    async def delete(self, path: str, access_token: str) -> httpx.Response:
        return await self.client.delete(f"/api/v1{path}", headers=bearer(access_token))
