"""Callers for tests: somebody who is logged in, without logging in."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from app.shared.application.principal import Authenticator, Principal
from app.shared.domain.errors import UnauthenticatedError
from app.shared.domain.ids import new_id


def as_account(
    account_id: UUID | None = None, *, roles: frozenset[str] = frozenset({"user"})
) -> Principal:
    """A caller with these roles, as fresh as any use case may ask; a new one when no account is
    named."""
    return Principal(
        account_id=account_id or new_id(), session_id=new_id(), roles=roles, fresh=True
    )


class UnknownCallerError(UnauthenticatedError):
    """The test let nobody in under this token."""

    code = "token_invalid"
    detail = "The token is not valid."
    terminal = True


class FakeAuthenticator(Authenticator):
    """Lets in whom the test let in."""

    def __init__(self) -> None:
        self._callers: dict[str, Principal] = {}

    def token_of(self, caller: Principal) -> str:
        """A bearer token that means this caller from now on."""
        token = f"caller-{caller.account_id}"
        self._callers[token] = caller
        return token

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        if token not in self._callers:
            raise UnknownCallerError
        return replace(self._callers[token], fresh=fresh)
