"""The pair of tokens that login and refresh answer with."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.modules.auth.application.ports import AccessClaims, AccessTokens, RefreshTokens
from app.modules.auth.domain.session_values import SessionGrant
from app.shared.application.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPair:
    """RFC 6749 §5.1. Both lifetimes are seconds from now."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    refresh_expires_in: int


@dataclass(frozen=True)
class TokenPairs:
    """Mints the pair of a grant: the refresh token is always the same, the access token is new."""

    access_tokens: AccessTokens
    refresh_tokens: RefreshTokens
    clock: Clock

    def mint(self, grant: SessionGrant) -> TokenPair:
        access = self.access_tokens.mint(
            AccessClaims(
                account_id=grant.account_id,
                session_id=grant.session_id,
                generation=grant.generation,
                epoch=grant.epoch,
                roles=grant.roles,
                authenticated_at=grant.authenticated_at,
                session_ends_at=grant.absolute_expires_at,
            )
        )
        ends_at = min(grant.idle_expires_at, grant.absolute_expires_at)
        return TokenPair(
            access_token=access.value,
            expires_in=access.expires_in,
            refresh_token=self.refresh_tokens.mint(grant.session_id, grant.generation, grant.kid),
            refresh_expires_in=max(0, int((ends_at - self.clock.now()).total_seconds())),
        )
