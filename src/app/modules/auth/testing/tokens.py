"""Tokens that a person can read, and anybody could forge."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import (
    AccessClaims,
    AccessToken,
    AccessTokens,
    PresentedRefreshToken,
    RefreshTokens,
)
from app.modules.auth.domain.errors import LinkInvalidError, TokenExpiredError, TokenInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.shared.application.clock import Clock

_REFRESH = re.compile(r"refresh\.([^.]+)\.([0-9a-f-]{36})\.(0|[1-9][0-9]*)")


class FakeRefreshTokens(RefreshTokens):
    """`refresh.<kid>.<session id>.<generation>`."""

    def __init__(self) -> None:
        self._current = "kid1"
        self._known = {self._current}

    @property
    def current_kid(self) -> str:
        return self._current

    def rotate(self, kid: str) -> None:
        """Mint with this secret from now on; the others stay known."""
        self._current = kid
        self._known.add(kid)

    def forget(self, kid: str) -> None:
        """Lose this secret, and with it every token that it minted."""
        self._known.discard(kid)

    def mint(self, session_id: UUID, generation: int, kid: str) -> str:
        if kid not in self._known:
            raise TokenInvalidError
        return f"refresh.{kid}.{session_id}.{generation}"

    def parse(self, token: str) -> PresentedRefreshToken:
        found = _REFRESH.fullmatch(token)
        if found is None or found[1] not in self._known:
            raise TokenInvalidError
        return PresentedRefreshToken(found[1], UUID(found[2]), int(found[3]))


class FakeAccessTokens(AccessTokens):
    """Tokens that mean the claims they were minted for, for ten minutes or until the session
    ends."""

    lifetime = timedelta(minutes=10)

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minted: dict[str, AccessClaims] = {}

    def mint(self, claims: AccessClaims) -> AccessToken:
        now = self._clock.now()
        expires_at: datetime = min(now + self.lifetime, claims.session_ends_at)
        value = f"access.{len(self._minted) + 1}"
        self._minted[value] = replace(claims, session_ends_at=expires_at)
        return AccessToken(value, max(0, int((expires_at - now).total_seconds())))

    def verify(self, token: str) -> AccessClaims:
        claims = self.verify_signature(token)
        if self._clock.now() >= claims.session_ends_at:
            raise TokenExpiredError
        return claims

    def verify_signature(self, token: str) -> AccessClaims:
        if token not in self._minted:
            raise TokenInvalidError
        return self._minted[token]


class FakeMailedTokens(MailedTokens):
    """`<kind>:<kid>:<mail id>`."""

    current_kid = "kid1"

    def mint(self, kind: MailKind, mail_id: UUID, kid: str) -> str:
        return f"{kind}:{kid}:{mail_id}"

    def parse(self, kind: MailKind, token: str) -> UUID:
        stated, _, rest = token.partition(":")
        try:
            mail_id = UUID(rest.rpartition(":")[2])
        except ValueError:
            raise LinkInvalidError from None
        if stated != kind:
            raise LinkInvalidError
        return mail_id
