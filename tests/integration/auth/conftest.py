"""The adapters of `auth` on a real database, and rows to try them on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device
from app.modules.auth.infrastructure.revocation_follower import RevocationFollower
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.modules.auth.infrastructure.unit_of_work import SqlAlchemyAuthUnitOfWork
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.revocations import Elapsed, Revocations, revocations

POLICY = RefreshPolicy()

AuthWork = Callable[[], SqlAlchemyAuthUnitOfWork]
StoreAccount = Callable[..., Awaitable[Account]]
StoreSession = Callable[[Account], Awaitable[Session]]


@pytest.fixture
def elapsed() -> Elapsed:
    """The monotonic clock of the list of revocations."""
    return Elapsed()


@pytest.fixture
def revoked(reader: AsyncpgReader, elapsed: Elapsed) -> Revocations:
    return revocations(reader, now=elapsed)


@pytest.fixture
def revocation_list(revoked: Revocations) -> RevocationList:
    return revoked.check


@pytest.fixture
def follower(revoked: Revocations) -> RevocationFollower:
    return revoked.follower


@pytest.fixture
def rings() -> list[None]:
    """Grows by one whenever the bell is rung."""
    return []


@pytest.fixture
def auth_work(engine: AsyncEngine, revocation_list: RevocationList, rings: list[None]) -> AuthWork:
    publish = EventLog(EventCodec(())).publish

    def open_work() -> SqlAlchemyAuthUnitOfWork:
        return SqlAlchemyAuthUnitOfWork(
            engine, publish, lambda: rings.append(None), revocation_list
        )

    return open_work


@pytest.fixture
def store_account(auth_work: AuthWork) -> StoreAccount:
    async def store(email: str = "Ada@example.com") -> Account:
        account = new_account(email)
        async with auth_work() as work:
            work.accounts.add(account)
            await work.commit()
        return account

    return store


@pytest.fixture
def session_store(statements: Statements, revocation_list: RevocationList) -> AsyncpgSessionStore:
    return AsyncpgSessionStore(statements, POLICY, revocation_list)


@pytest.fixture
def store_session(session_store: AsyncpgSessionStore) -> StoreSession:
    async def store(account: Account) -> Session:
        session = Session.start(
            account_id=account.id,
            epoch=account.auth_epoch,
            kid="kid1",
            device=Device(label="phone", user_agent="test", ip="10.0.0.1"),
            policy=POLICY,
            now=datetime.now(UTC),
        )
        await session_store.open(session)
        return session

    return store


def new_account(email: str = "Ada@example.com") -> Account:
    return Account.register(
        email=EmailAddress.parse(email), password_hash="$argon2id$…", now=datetime.now(UTC)
    )


def claims_of(session: Session) -> AccessClaims:
    return AccessClaims(
        account_id=session.account_id,
        session_id=session.id,
        generation=session.generation,
        epoch=session.epoch,
        roles=frozenset({"user"}),
        authenticated_at=session.created_at,
        session_ends_at=session.absolute_expires_at,
    )
