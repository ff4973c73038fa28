"""`auth` on fakes and on the real adapters, under one set of names."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.authenticator import AccessTokenAuthenticator
from app.modules.auth.application.commands.log_in import LogInHandler
from app.modules.auth.application.commands.log_out import LogOutHandler
from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshTokenHandler
from app.modules.auth.application.ports import (
    AuthUnitOfWork,
    CredentialStore,
    Evidence,
    RefreshTokens,
    RevocationCheck,
    SessionStore,
)
from app.modules.auth.application.token_pair import TokenPairs
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.events import RegistrationRepeated, SessionCompromised
from app.modules.auth.domain.password import PasswordPolicy
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure.credential_store import AsyncpgCredentialStore
from app.modules.auth.infrastructure.evidence_buffer import EvidenceBuffer
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.infrastructure.refresh_tokens import HmacRefreshTokens
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
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

EVENTS = (AccountRegistered, RegistrationRepeated, SessionCompromised)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""So that no session ends before its access tokens do."""
PUBLISH_AHEAD = timedelta(minutes=5)
REVOCATIONS_KEPT = timedelta(minutes=20)

PASS_TIME = """
update auth.session
set created_at = created_at - $1::interval,
    rotated_at = rotated_at - $1::interval,
    parent_rotated_at = parent_rotated_at - $1::interval,
    idle_expires_at = idle_expires_at - $1::interval,
    absolute_expires_at = absolute_expires_at - $1::interval,
    revoked_at = revoked_at - $1::interval
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

    put: Callable[[Iterable[Account], Iterable[Session]], Coroutine[Any, Any, None]]
    """Store aggregates as they are."""
    published: Callable[[], Coroutine[Any, Any, list[Event]]]
    revoked: Callable[[], Coroutine[Any, Any, list[Revocation]]]
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
    def log_in(self) -> LogInHandler:
        return LogInHandler(
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
        put=put,
        published=published,
        revoked=revoked,
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
    revocation_list = RevocationList(
        reader, strict=strict, keep=REVOCATIONS_KEPT, follow=clock.follow
    )

    def uow() -> SqlAlchemyAuthUnitOfWork:
        return SqlAlchemyAuthUnitOfWork(
            engine, EventLog(codec).publish, lambda: None, revocation_list
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

    async def sessions() -> list[Session]:
        rows = await statements.rows("select * from auth.session order by created_at")
        return [Session(**row) for row in rows]

    async def pass_time(by: timedelta) -> None:
        access_clock.advance(by)
        await statements.rows(PASS_TIME, by)

    async def clear() -> None:
        await statements.rows("truncate auth.account, auth.revocation, messaging.event cascade")

    def rotate_secret() -> None:
        ring_clock.advance(1)
        ring.rotate("refresh")
        ring_clock.advance(PUBLISH_AHEAD)

    return AuthWorld(
        uow=uow,
        clock=clock,
        credentials=AsyncpgCredentialStore(statements),
        session_store=AsyncpgSessionStore(statements, policy, revocation_list),
        evidence=evidence,
        revocations=revocation_list,
        refresh_tokens=HmacRefreshTokens(ring, issuer="https://example.com"),
        refresh_policy=policy,
        access_tokens=FakeAccessTokens(access_clock),
        hasher=FakePasswordHasher(),
        put=put,
        published=published,
        revoked=revoked,
        sessions=sessions,
        pass_time=pass_time,
        store_evidence=evidence.flush,
        evidence_elsewhere=lambda: EvidenceBuffer(statements),
        poll_revocations=revocation_list.poll,
        clear=clear,
        rotate_secret=rotate_secret,
    )
