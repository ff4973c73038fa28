"""T1: what happened is stored with the change, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import uuid4

import pytest
from pydantic_core import PydanticSerializationError
from sqlalchemy.exc import DBAPIError

from app.shared.domain.event import Event
from app.shared.infrastructure.statements import Statements
from app.shared.infrastructure.unit_of_work import open_session
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import Counter, Notebook, NumberDrawn, observer

REFUSE_PAYMENTS = """
CREATE FUNCTION lab.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON messaging.delivery EXECUTE FUNCTION lab.refuse();
"""
ACCEPT_PAYMENTS = "DROP FUNCTION lab.refuse CASCADE"


@dataclass(frozen=True, slots=True)
class Unspeakable(Event):
    name: ClassVar[str] = "lab.unspeakable"

    thing: object = field(default_factory=object)


async def test_a_commit_stores_one_delivery_per_subscriber(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"), observer("lab.second"))

    async with messaging.counters() as uow:
        counter = Counter(id=uuid4())
        counter.draw()
        uow.session.add(counter)
        await uow.commit()

    assert await messaging.owed() == [("lab.first", 1, 0, False), ("lab.second", 1, 0, False)]
    assert await messaging.statements.value("SELECT count(*) FROM lab.counter") == 1


async def test_a_rollback_stores_neither_the_change_nor_the_event(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))

    async with messaging.counters() as uow:
        counter = Counter(id=uuid4())
        counter.draw()
        uow.session.add(counter)
        await uow.session.flush()

    assert await messaging.owed() == []
    assert await messaging.statements.value("SELECT count(*) FROM messaging.event") == 0
    assert await messaging.statements.value("SELECT count(*) FROM lab.counter") == 0


async def test_an_event_without_any_changed_row_waits_for_the_commit_too(
    messaging: Messaging,
) -> None:
    await messaging.dispatcher(observer("lab.first"))

    async with open_session(messaging.engine) as session:
        await messaging.event_log.publish(session, [NumberDrawn(series="s", number=1)])

    assert await messaging.statements.value("SELECT count(*) FROM messaging.event") == 0


async def test_what_a_failing_reaction_did_is_undone(messaging: Messaging) -> None:
    async def fail(*_: object) -> None:
        raise LookupError

    dispatcher = await messaging.dispatcher(observer("lab.first", after=fail), draw=1_000)
    async with messaging.counters() as uow:
        counter = Counter(id=uuid4())
        counter.draw()
        uow.session.add(counter)
        await uow.commit()

    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()

    assert await messaging.seen("lab.first") == []
    assert await messaging.owed() == [("lab.first", 1, 1, False)]


async def test_what_a_reaction_did_is_undone_when_its_own_events_cannot_be_stored(
    messaging: Messaging,
) -> None:
    async def draw(_: NumberDrawn, notebook: Notebook) -> None:
        counter = Counter(id=uuid4())
        counter._record(Unspeakable())
        notebook.session.add(counter)

    dispatcher = await messaging.dispatcher(observer("lab.first", after=draw), draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(PydanticSerializationError):
        await dispatcher.drain()

    assert await messaging.seen("lab.first") == []
    assert await messaging.owed() == [("lab.first", 1, 1, False)]


async def test_what_a_reaction_did_is_undone_when_it_cannot_be_paid_for(
    messaging: Messaging, refused_payments: None
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(DBAPIError):
        await dispatcher.drain()

    assert await messaging.seen("lab.first") == []
    assert await messaging.owed() == [("lab.first", 1, 1, False)]


@pytest.fixture
async def refused_payments(statements: Statements) -> AsyncIterator[None]:
    for statement in REFUSE_PAYMENTS.strip().splitlines():
        await statements.rows(statement)
    yield
    await statements.rows(ACCEPT_PAYMENTS)
