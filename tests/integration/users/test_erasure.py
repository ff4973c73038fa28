"""Deliveries of a registration and of a deletion in every order, on PostgreSQL."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.application.reactions.erase_profile import EraseProfile
from app.modules.users.domain.errors import ProfileStaleError
from app.modules.users.infrastructure.unit_of_work import SqlAlchemyUsersWork
from app.shared.domain.event import Event
from app.shared.domain.ids import new_id
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.statements import Statements
from app.shared.infrastructure.unit_of_work import open_session
from app.shared.testing import ModuleHarness
from tests.integration.users.conftest import UsersWork

STORED = "select count(*) as rows, count(erased_at) as erased from users.profile"
WAITS = """
select count(*) > 0 from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def react(session: AsyncSession, event: Event) -> None:
    """What a delivery does before it commits."""
    reactions: dict[type[Event], Any] = {
        AccountRegistered: CreateProfile(DatabaseClock()),
        AccountDeleted: EraseProfile(DatabaseClock()),
    }
    await reactions[type(event)](event, SqlAlchemyUsersWork(session))
    await session.flush()


async def deliver(engine: AsyncEngine, event: Event) -> None:
    async with open_session(engine) as session:
        await react(session, event)
        await session.commit()


async def test_whatever_is_delivered_in_whatever_order_the_profile_stays_erased(
    engine: AsyncEngine, statements: Statements
) -> None:
    orders: set[tuple[type[AccountRegistered | AccountDeleted], ...]] = set(
        permutations([AccountRegistered, AccountRegistered, AccountDeleted, AccountDeleted])
    )

    for order in orders:
        account_id = new_id()
        for kind in order:
            await deliver(engine, kind(account_id=account_id))

    stored = await statements.row(STORED)
    assert stored is not None
    assert (stored["rows"], stored["erased"]) == (len(orders), len(orders)) == (6, 6)


@pytest.mark.parametrize(
    ("first", "second"),
    [(AccountRegistered, AccountDeleted), (AccountDeleted, AccountRegistered)],
    ids=["registered", "deleted"],
)
async def test_of_two_deliveries_at_the_same_time_the_second_fails_and_its_retry_erases(
    engine: AsyncEngine,
    statements: Statements,
    first: type[AccountRegistered | AccountDeleted],
    second: type[AccountRegistered | AccountDeleted],
) -> None:
    account_id = new_id()
    async with open_session(engine) as winner, open_session(engine) as loser:
        await react(winner, first(account_id=account_id))
        losing = asyncio.create_task(react(loser, second(account_id=account_id)))
        async with asyncio.timeout(60):
            while not await statements.value(WAITS):
                pass

        await winner.commit()
        with pytest.raises(IntegrityError):
            await losing
    await deliver(engine, second(account_id=account_id))

    stored = await statements.row(STORED)
    assert stored is not None
    assert (stored["rows"], stored["erased"]) == (1, 1)


async def test_an_erasure_that_met_an_older_version_fails_and_its_retry_erases(
    engine: AsyncEngine, users_work: UsersWork, statements: Statements
) -> None:
    account_id = new_id()
    await deliver(engine, AccountRegistered(account_id=account_id))

    async with open_session(engine) as session:
        erasing = SqlAlchemyUsersWork(session)
        assert await erasing.profiles.of_account(account_id)
        await edit(users_work, account_id)
        with pytest.raises(StaleDataError):
            await react(session, AccountDeleted(account_id=account_id))
    await deliver(engine, AccountDeleted(account_id=account_id))

    assert await statements.value("select bio from users.profile") == ""


async def test_a_change_that_met_the_profile_before_it_was_erased_is_stale(
    engine: AsyncEngine, users_work: UsersWork, statements: Statements
) -> None:
    account_id = new_id()
    await deliver(engine, AccountRegistered(account_id=account_id))

    async with users_work() as work:
        profile = await work.profiles.of_account(account_id)
        assert profile
        await deliver(engine, AccountDeleted(account_id=account_id))
        profile.edit({"bio": "late"}, now=DatabaseClock().now())
        with pytest.raises(ProfileStaleError):
            await work.commit()

    assert await statements.value("select bio from users.profile") == ""


async def test_many_accounts_that_come_and_go_at_once_are_all_erased(
    users: ModuleHarness, statements: Statements
) -> None:
    ids = [new_id() for _ in range(40)]
    await users.publish(*(AccountRegistered(account_id=one) for one in ids))
    await users.publish(*(AccountDeleted(account_id=one) for one in ids))

    await settle(users)

    stored = await statements.row(STORED)
    assert stored is not None
    assert (stored["rows"], stored["erased"]) == (40, 40)


async def settle(users: ModuleHarness) -> None:
    """Deliver until nothing fails: where two meet, the loser's delivery is due again soon."""
    while True:
        try:
            return await users.settle()
        except* IntegrityError:
            await users.process.kernel.statements().rows(
                "update messaging.delivery set available_at = now()"
            )


async def edit(users_work: UsersWork, account_id: UUID) -> None:
    async with users_work() as work:
        profile = await work.profiles.of_account(account_id)
        assert profile
        profile.edit({"bio": "new"}, now=DatabaseClock().now())
        await work.commit()
