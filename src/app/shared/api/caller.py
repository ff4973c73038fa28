"""Who calls, as a route declares it: `caller: Caller`, or `token: BearerToken` for the raw token.

Only the Authorization header counts (RFC 6750 §2.1). A token in a form, a query or a cookie would
end in logs and histories, or be sent by a browser that nobody asked.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from structlog.contextvars import bind_contextvars

from app.shared.api.errors import (
    AmbiguousCredentialsError,
    BearerMalformedError,
    CredentialsMissingError,
)
from app.shared.api.inject import Provided
from app.shared.application.principal import Authenticator, Principal

SECURITY_SCHEME = "bearer"

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token as sent, or None; raises `AmbiguousCredentialsError` for a second header."""
    stated = connection.headers.getlist("authorization")
    if not stated:
        return None
    if len(stated) > 1:
        raise AmbiguousCredentialsError
    scheme, _, token = stated[0].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


class Bearer(SecurityBase):
    """The raw token, which the route need not get and has to judge itself."""

    model = HTTPBearer(bearerFormat="JWT")
    scheme_name = SECURITY_SCHEME

    async def __call__(self, connection: HTTPConnection) -> str | None:
        return bearer_token(connection)


class AuthenticatedCaller(Provided, SecurityBase):
    """The caller behind the token.

    One dependency rather than three (scheme, authenticator, caller): each costs as much as a
    verified token from the cache.
    """

    model = Bearer.model
    scheme_name = SECURITY_SCHEME

    def __init__(self, *, fresh: bool = False) -> None:
        super().__init__(Authenticator)
        self.fresh = fresh

    async def __call__(self, connection: HTTPConnection) -> Principal:
        token = bearer_token(connection)
        if token is None:
            raise CredentialsMissingError
        if not _B64TOKEN.fullmatch(token):
            raise BearerMalformedError
        authenticator: Authenticator = self.resolve(connection)
        caller = await authenticator.authenticate(token, fresh=self.fresh)
        # Whatever is logged or happens from here on, it is known who did it.
        bind_contextvars(actor=str(caller.account_id))
        return caller


BearerToken = Annotated[str | None, Depends(Bearer())]
Caller = Annotated[Principal, Depends(AuthenticatedCaller())]
FreshCaller = Annotated[Principal, Depends(AuthenticatedCaller(fresh=True))]
"""The caller as the database knows it now: for use cases whose `access` is fresh."""
