"""The adapters of `users` on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.users.container import UsersContainer
from app.modules.users.infrastructure.unit_of_work import SqlAlchemyUsersUnitOfWork
from app.modules.users.testing import InMemoryAccountDirectory
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.testing import InMemoryCursors, ModuleHarness, module_harness

UsersWork = Callable[[], SqlAlchemyUsersUnitOfWork]


@pytest.fixture
def users_work(engine: AsyncEngine) -> UsersWork:
    publish = EventLog(EventCodec(())).publish
    return lambda: SqlAlchemyUsersUnitOfWork(engine, publish, lambda: None)


@pytest.fixture
def accounts() -> InMemoryAccountDirectory:
    """Stands in for `auth` where somebody asks about accounts."""
    return InMemoryAccountDirectory()


@pytest.fixture
async def users(database: str, accounts: InMemoryAccountDirectory) -> AsyncIterator[ModuleHarness]:
    async with module_harness(
        UsersContainer, database, accounts=accounts, cursors=InMemoryCursors()
    ) as harness:
        yield harness


@pytest.fixture
async def client(users: ModuleHarness) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(users.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
