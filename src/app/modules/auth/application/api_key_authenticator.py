"""Who is behind an API key, and behind whichever bearer token."""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from app.modules.auth.application.api_keys import ApiKeyStore, ApiKeyTokens, ApiKeyUses
from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    TokenError,
    TokenExpiredError,
    TokenInvalidError,
)
from app.shared.application.clock import Clock
from app.shared.application.principal import Authenticator, Principal

API_KEY_PREFIX = "ak1."


@dataclass(frozen=True)
class ApiKeyAuthenticator(Authenticator):
    """Asks the database at every use, so a key that is deleted, and an account that is disabled or
    has lost a role, are so at once."""

    api_key_tokens: ApiKeyTokens
    api_key_store: ApiKeyStore
    api_key_uses: ApiKeyUses
    clock: Clock

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        """Raises a `TokenError`, and `UnavailableError` when the database is out of reach."""
        del fresh  # it always is
        presented = self.api_key_tokens.parse(token)
        stored = await self.api_key_store.of(presented.id)
        if stored is None or not compare_digest(stored.secret_hash, presented.secret_hash):
            log_event(SecurityEvent.API_KEY, TokenInvalidError.code)
            raise TokenInvalidError
        refusal: TokenError | None = None
        if stored.expired:
            refusal = TokenExpiredError()
        elif not stored.active:
            refusal = AccountDisabledError()
        if refusal:
            log_event(SecurityEvent.API_KEY, refusal.code, account_id=stored.account_id)
            raise refusal
        self.api_key_uses.note(presented.id, self.clock.now())
        return Principal(
            account_id=stored.account_id, roles=stored.roles, scopes=stored.scopes, fresh=True
        )


@dataclass(frozen=True)
class BearerAuthenticator(Authenticator):
    """Access tokens of people and API keys of programs come in the same header."""

    by_access_token: Authenticator
    by_api_key: Authenticator

    async def authenticate(self, token: str, *, fresh: bool = False) -> Principal:
        chosen = self.by_api_key if token.startswith(API_KEY_PREFIX) else self.by_access_token
        return await chosen.authenticate(token, fresh=fresh)
