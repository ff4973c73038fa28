"""`auth` on fakes and on the real adapters, under one set of names."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.api_keys import ApiKeyStore
from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.commands.log_out import LogOutHandler
from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshTokenHandler
from app.modules.auth.application.credentials import CredentialStore
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import (
    AuthUnitOfWork,
    Evidence,
    RefreshTokens,
    RevocationCheck,
    SessionStore,
)
from app.modules.auth.application.throttling import Throttle
from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.events import MailDue, RegistrationRepeated, SessionCompromised
from app.modules.auth.domain.login_requirements import LoginRequirements
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.throttling import ThrottlePolicy
from app.modules.auth.infrastructure.api_key_store import AsyncpgApiKeyStore
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.evidence_buffer import EvidenceBuffer
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.modules.auth.infrastructure.throttle_store import AsyncpgThrottle
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthUnitOfWork
from app.modules.auth.testing import (
    FakeAccessTokens,
    FakePasswordHasher,
    InMemoryAuth,
)
from app.shared.application.clock import Clock
from app.shared.domain.event import Event
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.infrastructure.unit_of_work import open_session
from app.shared.testing import FixedClock
from tests.revocations import revocations

EVENTS = (AccountRegistered, AccountDeleted, MailDue, RegistrationRepeated, SessionCompromised)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""So that no session ends before its access tokens do."""
PUBLISH_AHEAD = timedelta(minutes=5)

PASS_TIME = """
update auth.session
set created_at = created_at - $1::interval,
    rotated_at = rotated_at - $1::interval,
    parent_rotated_at = parent_rotated_at - $1::interval,
    idle_expires_at = idle_expires_at - $1::interval,
    absolute_expires_at = absolute_expires_at - $1::interval,
    revoked_at = revoked_at - $1::interval
"""
PASS_TIME_FOR_ATTEMPTS = """
update auth.throttle
set forgiven_at = forgiven_at - $1::interval, next_at = next_at - $1::interval
"""


@dataclass(kw_only=True)
class AuthWorld:
    """What the handlers need, and a look behind it."""

    uow: Callable[[], AuthUnitOfWork]
    clock: Clock
    credentials: CredentialStore
    session_store: SessionStore
    evidence: Evidence
    revocations: RevocationCheck
    refresh_tokens: RefreshTokens
    refresh_policy: RefreshPolicy
    access_tokens: FakeAccessTokens
    hasher: FakePasswordHasher
    throttle: Throttle
    throttle_policy: ThrottlePolicy
    api_key_store: ApiKeyStore

    put: Callable[[Iterable[Account], Iterable[Session]], Coroutine[Any, Any, None]]
    """Store aggregates as they are."""
    published: Callable[[], Coroutine[Any, Any, list[Event]]]
    revoked: Callable[[], Coroutine[Any, Any, list[Revocation]]]
    activity: Callable[[], Coroutine[Any, Any, list[Activity]]]
    sessions: Callable[[], Coroutine[Any, Any, list[Session]]]
    pass_time: Callable[[timedelta], Coroutine[Any, Any, None]]
    store_evidence: Callable[[], Coroutine[Any, Any, None]]
    evidence_elsewhere: Callable[[], Evidence]
    """What another process notes its evidence in."""
    poll_revocations: Callable[[], Coroutine[Any, Any, None]]
    rotate_secret: Callable[[], None]
    clear: Callable[[], Coroutine[Any, Any, None]]
    """Leave nothing behind for the next world."""

    @property
    def pairs(self) -> TokenPairs:
        return TokenPairs(self.access_tokens, self.refresh_tokens, self.clock)

    @property
    def register(self) -> RegisterAccountHandler:
        return RegisterAccountHandler(self.uow, self.hasher, PasswordPolicy(), self.clock)

    @property
    def passwords(self) -> PasswordGate:
        return PasswordGate(self.credentials, self.throttle, self.hasher, self.throttle_policy)

    @property
    def log_in(self) -> LogInHandler:
        return LogInHandler(
            self.passwords,
            LoginRequirements(),
            self.credentials,
            self.session_store,
            self.hasher,
            self.refresh_tokens,
            self.pairs,
            self.refresh_policy,
            self.clock,
        )

    @property
    def rotate(self) -> RotateRefreshTokenHandler:
        return RotateRefreshTokenHandler(
            self.uow,
            self.session_store,
            self.evidence,
            self.refresh_tokens,
            self.pairs,
            self.refresh_policy,
            self.clock,
        )

    @property
    def log_out(self) -> LogOutHandler:
        return LogOutHandler(self.uow, self.refresh_tokens, self.access_tokens)

    @property
    def guard(self) -> AccessTokenAuthenticator:
        return AccessTokenAuthenticator(self.access_tokens, self.revocations, self.evidence)


def auth_in_memory(policy: RefreshPolicy | None = None) -> AuthWorld:
    auth = InMemoryAuth(policy)

    async def put(accounts: Iterable[Account], sessions: Iterable[Session]) -> None:
        for account in accounts:
            auth.accounts.put(account)
        for session in sessions:
            auth.sessions.put(session)

    async def published() -> list[Event]:
        return list(auth.published)

    async def revoked() -> list[Revocation]:
        return list(auth.revoked)

    async def activity() -> list[Activity]:
        return list(auth.activity)

    async def sessions() -> list[Session]:
        return list(auth.sessions)

    async def pass_time(by: timedelta) -> None:
        auth.clock.advance(by)

    async def nothing() -> None:
        """The fakes store at once, learn from nobody and are gone with their world."""

    def rotate_secret() -> None:
        auth.refresh_tokens.rotate(f"{auth.refresh_tokens.current_kid}x")

    return AuthWorld(
        uow=auth.uow,
        clock=auth.clock,
        credentials=auth.credentials,
        session_store=auth.session_store,
        evidence=auth.evidence,
        revocations=auth.revocations,
        refresh_tokens=auth.refresh_tokens,
        refresh_policy=auth.refresh_policy,
        access_tokens=auth.access_tokens,
        hasher=auth.hasher,
        throttle=auth.throttle,
        throttle_policy=auth.throttle_policy,
        api_key_store=auth.api_key_store,
        put=put,
        published=published,
        revoked=revoked,
        activity=activity,
        sessions=sessions,
        pass_time=pass_time,
        store_evidence=nothing,
        evidence_elsewhere=lambda: auth.evidence,
        poll_revocations=nothing,
        clear=nothing,
        rotate_secret=rotate_secret,
    )


def auth_on_postgres(
    engine: AsyncEngine,
    statements: Statements,
    reader: AsyncpgReader,
    keys_dir: Path,
    policy: RefreshPolicy | None = None,
    *,
    strict: bool = True,
) -> AuthWorld:
    """Time passes here by making every stored time older, and access tokens by a clock of their
    own."""
    clock = DatabaseClock()
    access_clock, ring_clock = FixedClock(LONG_AGO), FixedClock()
    policy = policy or RefreshPolicy()
    codec = EventCodec(EVENTS)
    ring = KeyRing.ensure(keys_dir, ring_clock, publish_ahead=PUBLISH_AHEAD)
    evidence = EvidenceBuffer(statements)
    revoking = revocations(reader, strict=strict, follow=clock.follow)

    def uow() -> SqlAlchemyAuthUnitOfWork:
        return SqlAlchemyAuthUnitOfWork(
            engine, EventLog(codec).publish, lambda: None, revoking.check
        )

    async def put(accounts: Iterable[Account], sessions: Iterable[Session]) -> None:
        async with open_session(engine) as session:
            session.add_all(accounts)
            await session.flush()
            session.add_all(sessions)
            await session.commit()

    async def published() -> list[Event]:
        rows = await statements.rows(
            "select type, version, payload::text from messaging.event order by position"
        )
        return [codec.decode(row["type"], row["version"], row["payload"]) for row in rows]

    async def revoked() -> list[Revocation]:
        rows = await statements.rows(
            "select account_id, session_id, epoch from auth.revocation order by id"
        )
        return [Revocation(**row) for row in rows]

    async def activity() -> list[Activity]:
        rows = await statements.rows(
            "select account_id, what, session_id, ip, user_agent from auth.activity order by id"
        )
        return [Activity(**{**row, "what": ActivityKind(row["what"])}) for row in rows]

    async def sessions() -> list[Session]:
        rows = await statements.rows("select * from auth.session order by created_at")
        return [Session(**row) for row in rows]

    async def pass_time(by: timedelta) -> None:
        access_clock.advance(by)
        await statements.rows(PASS_TIME, by)
        await statements.rows(PASS_TIME_FOR_ATTEMPTS, by)

    async def clear() -> None:
        await statements.rows(
            "truncate auth.account, auth.activity, auth.revocation, auth.throttle,"
            " messaging.event cascade"
        )

    def rotate_secret() -> None:
        ring_clock.advance(1)
        ring.rotate("refresh")
        ring_clock.advance(PUBLISH_AHEAD)

    return AuthWorld(
        uow=uow,
        clock=clock,
        credentials=AsyncpgCredentialStore(statements),
        session_store=AsyncpgSessionStore(statements, policy, revoking.check),
        evidence=evidence,
        revocations=revoking.check,
        refresh_tokens=HmacRefreshTokens(ring, issuer="https://example.com"),
        refresh_policy=policy,
        access_tokens=FakeAccessTokens(access_clock),
        hasher=FakePasswordHasher(),
        throttle=AsyncpgThrottle(statements, DerivedKeys(ring, b"throttle")),
        throttle_policy=ThrottlePolicy.of(),
        api_key_store=AsyncpgApiKeyStore(reader),
        put=put,
        published=published,
        revoked=revoked,
        activity=activity,
        sessions=sessions,
        pass_time=pass_time,
        store_evidence=evidence.flush,
        evidence_elsewhere=lambda: EvidenceBuffer(statements),
        poll_revocations=revoking.follower.look,
        clear=clear,
        rotate_secret=rotate_secret,
    )
