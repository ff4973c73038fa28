"""What every account directory promises to the modules that ask it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.contracts.directory import AccountDirectory, AccountFacts
from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.infrastructure.account_directory import SqlAccountDirectory
from app.modules.users.testing import InMemoryAccountDirectory
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import AsyncpgReader
from app.shared.infrastructure.unit_of_work import open_session
from tests.factories import AccountFactory


@dataclass(kw_only=True)
class DirectoryWorld:
    directory: AccountDirectory
    put: Callable[[Account], Awaitable[None]]


def directory_in_memory() -> DirectoryWorld:
    directory = InMemoryAccountDirectory()

    async def put(account: Account) -> None:
        directory.known[account.id] = AccountFacts(
            account_id=account.id, email=account.email.display, status=account.status.value
        )

    return DirectoryWorld(directory=directory, put=put)


def directory_on_postgres(engine: AsyncEngine, reader: AsyncpgReader) -> DirectoryWorld:
    async def put(account: Account) -> None:
        async with open_session(engine) as session:
            session.add(account)
            await session.commit()

    return DirectoryWorld(directory=SqlAccountDirectory(reader), put=put)


@pytest.fixture(params=["memory", "postgres"])
def world(request: pytest.FixtureRequest) -> DirectoryWorld:
    if request.param == "memory":
        return directory_in_memory()
    engine, reader = (request.getfixturevalue(name) for name in ("engine", "reader"))
    return directory_on_postgres(engine, reader)


async def test_it_answers_for_those_who_are_there_and_leaves_out_who_is_not(
    world: DirectoryWorld,
) -> None:
    ada = AccountFactory.build(email=EmailAddress.parse("Ada@Example.com"))
    bob = AccountFactory.build(status=AccountStatus.DISABLED)
    for account in (ada, bob, AccountFactory.build()):
        await world.put(account)

    facts = await world.directory.facts_of([ada.id, new_id(), bob.id, ada.id])

    assert facts == {
        ada.id: AccountFacts(account_id=ada.id, email="Ada@Example.com", status="active"),
        bob.id: AccountFacts(account_id=bob.id, email=bob.email.display, status="disabled"),
    }


async def test_of_nobody_it_knows_nothing(world: DirectoryWorld) -> None:
    await world.put(AccountFactory.build())

    assert await world.directory.facts_of([]) == {}


def test_an_address_is_not_in_the_representation() -> None:
    facts = AccountFacts(account_id=new_id(), email="ada@example.com", status="active")

    assert "@" not in repr(facts)
