"""Who is behind an access token: what every guarded route of every module asks."""

from __future__ import annotations

from dataclasses import dataclass

from app.modules.auth.application.ports import AccessTokens, Evidence, RevocationCheck
from app.shared.application.principal import Authenticator, Principal


@dataclass(frozen=True)
class AccessTokenAuthenticator(Authenticator):
    """Accepts what we signed, is in its time and was not revoked, and notes the receipt.

    Using an access token proves that its client got the pair of that generation, which the
    rotation needs to know.
    """

    access_tokens: AccessTokens
    revocations: RevocationCheck
    evidence: Evidence

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        """Raises a `TokenError`, and `UnavailableError` when revocation cannot be checked."""
        claims = self.access_tokens.verify(token)
        roles = await self.revocations.living_roles(claims, fresh=fresh)
        self.evidence.note(claims.session_id, claims.generation)
        return Principal(
            account_id=claims.account_id,
            session_id=claims.session_id,
            roles=roles,
            fresh=fresh,
        )
