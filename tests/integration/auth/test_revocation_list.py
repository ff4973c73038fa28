"""The list of revocations: what it knows, when, and when it asks the database instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.modules.auth.domain.errors import AccountDisabledError, SessionRevokedError
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.infrastructure import revocation_list as module
from app.modules.auth.infrastructure.revocation_list import RevocationList
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.outages import DatabaseUnavailableError
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.integration.auth.conftest import KEEP, StoreAccount, StoreSession, claims_of

_REVOKE = """
insert into auth.revocation (account_id, session_id, epoch, revoked_at)
values ($1, $2, $3, clock_timestamp() - $4::interval)
"""


class Elapsed:
    """The monotonic clock of the list, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed(monkeypatch: pytest.MonkeyPatch) -> Elapsed:
    elapsed = Elapsed()
    monkeypatch.setattr(module, "monotonic", elapsed)
    return elapsed


@pytest.fixture
async def session(store_account: StoreAccount, store_session: StoreSession) -> Session:
    return await store_session(await store_account())


async def _revoke(
    statements: Statements,
    session: Session,
    *,
    epoch: int | None = None,
    ago: timedelta = timedelta(0),
) -> None:
    named = session.id if epoch is None else None
    await statements.rows(_REVOKE, session.account_id, named, epoch, ago)


async def test_a_poll_shows_what_another_process_revoked(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await revocation_list.poll()
    await _revoke(statements, session)
    await revocation_list.refuse_revoked(claims_of(session))

    await revocation_list.poll()

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_a_revocation_concerns_its_session_alone(
    revocation_list: RevocationList,
    statements: Statements,
    session: Session,
    store_account: StoreAccount,
    store_session: StoreSession,
) -> None:
    other = await store_session(await store_account("bob@example.com"))
    await _revoke(statements, other)

    await revocation_list.poll()

    await revocation_list.refuse_revoked(claims_of(session))


async def test_a_raised_epoch_ends_the_older_tokens_of_the_account(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await _revoke(statements, session, epoch=1)

    await revocation_list.poll()

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))
    session.epoch = 1
    await revocation_list.refuse_revoked(claims_of(session))


async def test_the_first_poll_reads_all_that_a_token_may_still_be_checked_against(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await _revoke(statements, session, ago=KEEP - timedelta(seconds=30))

    await revocation_list.poll()

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_a_commit_that_became_visible_late_is_still_found(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await revocation_list.poll()
    await _revoke(statements, session, ago=timedelta(seconds=50))

    await revocation_list.poll()

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_after_a_pause_a_poll_looks_back_over_all_of_it(
    revocation_list: RevocationList, statements: Statements, session: Session, elapsed: Elapsed
) -> None:
    await revocation_list.poll()
    elapsed.seconds += 300
    await _revoke(statements, session, ago=timedelta(seconds=290))

    await revocation_list.poll()

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_what_no_token_can_outlive_is_forgotten(
    revocation_list: RevocationList, statements: Statements, session: Session, elapsed: Elapsed
) -> None:
    await _revoke(statements, session)
    await revocation_list.poll()
    elapsed.seconds += KEEP.total_seconds() + 1
    await statements.rows("delete from auth.revocation")

    await revocation_list.poll()

    await revocation_list.refuse_revoked(claims_of(session))


async def test_what_this_process_revokes_it_knows_at_once(
    revocation_list: RevocationList, session: Session
) -> None:
    await revocation_list.poll()

    revocation_list.add(Revocation(account_id=session.account_id, session_id=session.id))

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


@pytest.mark.parametrize(
    ("end", "refusal"),
    [
        ("update auth.session set revoked_at = now()", SessionRevokedError),
        ("update auth.account set auth_epoch = 1", SessionRevokedError),
        ("update auth.account set status = 'disabled'", AccountDisabledError),
        ("delete from auth.session", SessionRevokedError),
    ],
    ids=["revoked", "epoch", "disabled", "gone"],
)
async def test_a_strict_list_asks_the_database(
    reader: AsyncpgReader,
    statements: Statements,
    session: Session,
    end: str,
    refusal: type[Exception],
) -> None:
    strict = RevocationList(reader, strict=True, keep=KEEP, follow=DatabaseClock().follow)
    await strict.poll()
    await strict.refuse_revoked(claims_of(session))
    await statements.rows(end)

    with pytest.raises(refusal):
        await strict.refuse_revoked(claims_of(session))


async def test_a_list_that_was_never_read_asks_the_database(
    revocation_list: RevocationList, statements: Statements, session: Session
) -> None:
    await revocation_list.refuse_revoked(claims_of(session))
    await statements.rows("update auth.session set revoked_at = now()")

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_a_stale_list_asks_the_database(
    revocation_list: RevocationList, statements: Statements, session: Session, elapsed: Elapsed
) -> None:
    await revocation_list.poll()
    await statements.rows("update auth.session set revoked_at = now()")
    elapsed.seconds += 9.9
    await revocation_list.refuse_revoked(claims_of(session))
    elapsed.seconds += 0.2

    with pytest.raises(SessionRevokedError):
        await revocation_list.refuse_revoked(claims_of(session))


async def test_a_stale_list_without_a_database_admits_nobody(
    unreachable_url: str, session: Session
) -> None:
    reader = AsyncpgReader(unreachable_url, pool_size=1, pool_timeout=1)
    stale = RevocationList(reader, strict=False, keep=KEEP, follow=DatabaseClock().follow)

    with pytest.raises(DatabaseUnavailableError):
        await stale.refuse_revoked(claims_of(session))
    await reader.close()


async def test_each_poll_sets_the_clock_by_the_database(reader: AsyncpgReader) -> None:
    seen: list[datetime] = []
    revocations = RevocationList(reader, strict=False, keep=KEEP, follow=seen.append)

    await revocations.poll()

    [now] = seen
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
