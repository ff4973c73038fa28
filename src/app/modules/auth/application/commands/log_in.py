"""Log in: a password for a new session and its first pair of tokens."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import CAP, SecurityEvent, log_event
from app.modules.auth.application.credentials import Credentials, CredentialStore
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import (
    PasswordHasher,
    RefreshTokens,
    SessionStore,
)
from app.modules.auth.application.token_pair import TokenPair, TokenPairs
from app.modules.auth.domain.email_address import email_key
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    InvalidCredentialsError,
    TokenInvalidError,
)
from app.modules.auth.domain.login_requirements import LoginRequirements
from app.modules.auth.domain.password import normalize_password
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device
from app.modules.auth.domain.throttling import mailbox_of
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.clock import Clock
from app.shared.application.handler import handler
from app.shared.domain.errors import ThrottledError, UnavailableError


@dataclass(frozen=True, slots=True)
class LogIn:
    email: str = field(repr=False)
    password: str = field(repr=False)
    device: Device = field(default_factory=Device)
    refresh_token: str | None = field(default=None, repr=False)
    """Of any session of the account, dead or alive: proof that this device is not a stranger."""


@handler
class LogInHandler:
    """Every refusal is `InvalidCredentialsError`, after the same work, but for
    `LoginThrottledError` before it."""

    access: ClassVar[Access] = ANYONE

    passwords: PasswordGate
    login_requirements: LoginRequirements
    credentials: CredentialStore
    sessions: SessionStore
    hasher: PasswordHasher
    refresh_tokens: RefreshTokens
    pairs: TokenPairs
    refresh_policy: RefreshPolicy
    clock: Clock

    async def __call__(self, message: LogIn) -> TokenPair:
        key, client = email_key(message.email), message.device.ip
        earlier = self._earlier_session(message.refresh_token)
        # What can be no address is nobody's, and still has the budget of the one it looks like.
        known = await self.credentials.of(key, session_id=earlier) if key else None
        attempt = await self.passwords.attempt(
            SecurityEvent.LOGIN,
            message.password,
            known,
            mailbox=mailbox_of(message.email),
            client=client,
        )
        if known is None or not attempt.check.matches or not self._may_enter(known):
            log_event(
                SecurityEvent.LOGIN,
                InvalidCredentialsError.code,
                account_id=known.account_id if known else None,
            )
            raise InvalidCredentialsError
        if attempt.check.outdated:
            await self._rehash(known, message.password, client)

        session = Session.start(
            account_id=known.account_id,
            epoch=known.epoch,
            kid=self.refresh_tokens.current_kid,
            device=message.device,
            policy=self.refresh_policy,
            now=self.clock.now(),
        )
        try:
            left = await self.sessions.open(session, settles=attempt.reserved)
        except AccountDisabledError:
            raise InvalidCredentialsError from None
        for former in left:
            log_event(
                SecurityEvent.REVOKE_SESSION,
                CAP,
                account_id=session.account_id,
                session_id=former,
            )
        log_event(SecurityEvent.LOGIN, account_id=session.account_id, session_id=session.id)
        return self.pairs.mint(session.grant(known.roles))

    def _earlier_session(self, refresh_token: str | None) -> UUID | None:
        """Not asked whether it is alive, and a token that is not ours is none at all."""
        if refresh_token is None:
            return None
        try:
            return self.refresh_tokens.parse(refresh_token).session_id
        except TokenInvalidError:
            return None

    def _may_enter(self, known: Credentials) -> bool:
        return self.login_requirements.met_by(active=known.active, verified=known.verified)

    async def _rehash(self, known: Credentials, password: str, client: str | None) -> None:
        """Left to the next login where the hashing queue is full: this one is in."""
        with suppress(ThrottledError, UnavailableError):
            new_hash = await self.hasher.hash(normalize_password(password), client=client)
            await self.credentials.rehash(known, new_hash)
