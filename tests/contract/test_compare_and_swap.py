"""The compare-and-swap advances exactly the sessions that rows 0 and 1 of the table advance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import RevocationReason
from app.modules.auth.infrastructure.session_store import AsyncpgSessionStore
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.infrastructure.unit_of_work import open_session
from tests.contract.facts import facts
from tests.factories import AccountFactory, SessionFactory
from tests.revocations import revocations

POLICY = RefreshPolicy()
TIMES = {"rotated_at", "idle_expires_at"}
"""Facts that an advance takes from the clock."""


@dataclass(frozen=True)
class Situation:
    """A session and its account, as far as an advance depends on them."""

    presented: int = 5
    revoked: bool = False
    idle_left: timedelta = timedelta(days=14)
    absolute_left: timedelta = timedelta(days=30)
    session_epoch: int = 2
    account_epoch: int = 2
    status: AccountStatus = AccountStatus.ACTIVE
    parent: int = 4
    confirmed: int = 4
    recoveries: int = 0

    def build(self, now: datetime) -> tuple[Account, Session]:
        account = AccountFactory.build(auth_epoch=self.account_epoch, status=self.status)
        session = SessionFactory.build(
            account_id=account.id,
            epoch=self.session_epoch,
            generation=5,
            parent=self.parent,
            confirmed_generation=self.confirmed,
            recoveries=self.recoveries,
            created_at=now - timedelta(days=20),
            rotated_at=now - timedelta(minutes=10),
            idle_expires_at=now + self.idle_left,
            absolute_expires_at=now + self.absolute_left,
            revoked_at=now - timedelta(minutes=1) if self.revoked else None,
            revocation_reason=RevocationReason.LOGOUT if self.revoked else None,
        )
        return account, session


ALIVE = Situation()
OVER = timedelta(minutes=-1)
ONE_THING_WRONG = [
    replace(ALIVE, presented=4),
    replace(ALIVE, presented=6),
    replace(ALIVE, revoked=True),
    replace(ALIVE, idle_left=OVER),
    replace(ALIVE, absolute_left=OVER),
    replace(ALIVE, session_epoch=1),
    replace(ALIVE, account_epoch=1),
    replace(ALIVE, status=AccountStatus.DISABLED),
]
LEFT = st.sampled_from([timedelta(days=-3), OVER, timedelta(minutes=1), timedelta(days=20)])
SITUATIONS = st.builds(
    Situation,
    presented=st.sampled_from([0, 1, 3, 4, 5, 5, 5, 5, 6]),
    revoked=st.sampled_from([False, False, False, True]),
    idle_left=LEFT,
    absolute_left=LEFT,
    session_epoch=st.integers(1, 2),
    account_epoch=st.integers(1, 2),
    status=st.sampled_from(AccountStatus),
    parent=st.integers(0, 4),
    confirmed=st.integers(0, 5),
    recoveries=st.integers(0, 10),
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(random=st.lists(SITUATIONS, min_size=10, max_size=40))
async def test_the_statement_and_the_aggregate_agree(
    engine: AsyncEngine, statements: Statements, reader: AsyncpgReader, random: list[Situation]
) -> None:
    situations = [ALIVE, *ONE_THING_WRONG, *random]
    store = AsyncpgSessionStore(statements, POLICY, revocations(reader).check)
    now: datetime = await statements.value("select clock_timestamp()")
    built = [situation.build(now) for situation in situations]
    async with open_session(engine) as transaction:
        transaction.add_all(account for account, _ in built)
        await transaction.flush()
        transaction.add_all(session for _, session in built)
        await transaction.commit()

    for situation, (account, session) in zip(situations, built, strict=True):
        grant = await store.advance(session.id, situation.presented, "kid2")

        row = await statements.row("select * from auth.session where id = $1", session.id)
        assert row
        stored = Session(**row)
        advanced = _advances(session, situation.presented, account, now)
        assert (grant is not None) is advanced, situation
        assert _timeless(stored) == _timeless(session), situation
        assert abs(stored.rotated_at - session.rotated_at) < timedelta(seconds=30)
        assert abs(stored.idle_expires_at - session.idle_expires_at) < timedelta(seconds=30)
        if grant:
            assert grant == stored.grant(frozenset({"user"}))


def _advances(session: Session, presented: int, account: Account, now: datetime) -> bool:
    """Let the aggregate decide; only its rows 0 and 1 may touch the session."""
    if presented != session.generation:
        return False
    refusal = session.present(
        presented, account=account, kid="kid2", policy=POLICY, begun_at=now, now=now
    )
    return refusal is None


def _timeless(session: Session) -> dict[str, object]:
    return {name: fact for name, fact in facts(session).items() if name not in TIMES}
