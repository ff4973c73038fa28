"""Log in: a password for a new session and its first pair of tokens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from app.modules.auth.application.audit import log_event
from app.modules.auth.application.ports import (
    Credentials,
    CredentialStore,
    PasswordHasher,
    RefreshTokens,
    SessionStore,
)
from app.modules.auth.application.token_pair import TokenPair, TokenPairs
from app.modules.auth.domain.email_address import email_key
from app.modules.auth.domain.errors import InvalidCredentialsError
from app.modules.auth.domain.password import normalize_password
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device
from app.shared.application.clock import Clock
from app.shared.application.handler import handler
from app.shared.domain.errors import ThrottledError, UnavailableError


@dataclass(frozen=True, slots=True)
class LogIn:
    email: str = field(repr=False)
    password: str = field(repr=False)
    device: Device = field(default_factory=Device)


@handler
class LogInHandler:
    """Every refusal is `InvalidCredentialsError`, after the same work."""

    credentials: CredentialStore
    sessions: SessionStore
    hasher: PasswordHasher
    refresh_tokens: RefreshTokens
    pairs: TokenPairs
    policy: RefreshPolicy
    clock: Clock

    async def __call__(self, message: LogIn) -> TokenPair:
        key = email_key(message.email)
        known = await self.credentials.of(key) if key else None
        password = normalize_password(message.password)
        check = await self.hasher.check(
            password, known.password_hash if known else None, client=message.device.ip
        )
        if known is None or not check.matches or not known.active:
            log_event(
                "login",
                InvalidCredentialsError.code,
                account_id=known.account_id if known else None,
            )
            raise InvalidCredentialsError
        if check.outdated:
            await self._rehash(known, password, message.device.ip)

        session = Session.start(
            account_id=known.account_id,
            epoch=known.epoch,
            kid=self.refresh_tokens.current_kid,
            device=message.device,
            policy=self.policy,
            now=self.clock.now(),
        )
        await self.sessions.open(session)
        log_event("login", account_id=session.account_id, session_id=session.id)
        return self.pairs.mint(session.grant(known.roles))

    async def _rehash(self, known: Credentials, password: str, client: str | None) -> None:
        """Left to the next login where the hashing queue is full: this one is in."""
        with suppress(ThrottledError, UnavailableError):
            new_hash = await self.hasher.hash(password, client=client)
            await self.credentials.rehash(known, new_hash)
