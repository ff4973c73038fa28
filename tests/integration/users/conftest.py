"""The adapters of `users` on a real database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.users.infrastructure.unit_of_work import SqlAlchemyUsersUnitOfWork
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog

UsersWork = Callable[[], SqlAlchemyUsersUnitOfWork]


@pytest.fixture
def users_work(engine: AsyncEngine) -> UsersWork:
    publish = EventLog(EventCodec(())).publish
    return lambda: SqlAlchemyUsersUnitOfWork(engine, publish, lambda: None)
