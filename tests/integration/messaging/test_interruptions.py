"""An outage of the database costs a delivery no attempt; what a handler did itself does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import create_engine
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure.messaging.delivering import SPARED
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.handling import HandlerCancelledError
from app.shared.infrastructure.outages import outages_as_unavailable
from tests.e2e.gateway import Gateway
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import (
    Notebook,
    NumberDrawn,
    Outside,
    caller,
    observer,
)

BREAKS = "SELECT pg_terminate_backend(pg_backend_pid())"
TAKES_TOO_LONG = "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(60)"


class Once:
    """Runs a statement on the connection of the delivery, the first time."""

    def __init__(self, *statements: str) -> None:
        self.statements = statements

    async def __call__(self, _: NumberDrawn, notebook: Notebook) -> None:
        statements, self.statements = self.statements, ()
        for statement in statements:
            await notebook.session.execute(text(statement))


async def test_a_reaction_whose_connection_breaks_gets_its_attempt_back(
    messaging: Messaging,
) -> None:
    broken = observer("lab.first", after=Once(BREAKS), max_attempts=1)
    dispatcher = await messaging.dispatcher(broken, draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(DBAPIError):
        await dispatcher.drain()
    owed = await messaging.owed()
    await messaging.make_all_due()
    await dispatcher.drain()

    assert owed == [("lab.first", 1, 0, False)]
    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []


async def test_a_batch_whose_connection_breaks_is_delivered_all_the_same(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", after=Once(BREAKS), batch=3))
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(3)))
    claim = await dispatcher._claiming.claim({"lab.first": 3})

    errors = await dispatcher._delivering.deliver(claim.deliveries)

    assert errors == []
    assert await messaging.seen("lab.first") == [("s0", 1), ("s1", 1), ("s2", 1)]
    assert await messaging.owed() == []


async def test_a_statement_that_takes_too_long_costs_the_attempt(messaging: Messaging) -> None:
    slow = observer("lab.first", after=Once(*TAKES_TOO_LONG.split("; ")), max_attempts=1)
    dispatcher = await messaging.dispatcher(slow)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(DBAPIError):
        await dispatcher.drain()

    assert await messaging.owed() == [("lab.first", 1, 1, True)]


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, TimeoutError])
async def test_an_error_of_the_handlers_own_operating_costs_the_attempt(
    messaging: Messaging, error: type[OSError]
) -> None:
    """A defect that looks like an outage must end as a dead letter all the same."""

    async def fail(*_: object) -> None:
        raise error

    dispatcher = await messaging.dispatcher(observer("lab.first", after=fail, max_attempts=1))
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(error):
        await dispatcher.drain()

    assert await messaging.owed() == [("lab.first", 1, 1, True)]


@pytest.mark.parametrize("batch", [1, 2])
async def test_a_handler_that_only_seems_to_be_cancelled_costs_the_attempt(
    messaging: Messaging, batch: int
) -> None:
    """Given back as at a shutdown, it would be tried for ever."""

    async def await_what_was_cancelled(event: NumberDrawn, *_: object) -> None:
        if event.number == 1:
            other = asyncio.create_task(asyncio.Event().wait())
            other.cancel()
            await other

    reaction = observer("lab.first", before=await_what_was_cancelled, max_attempts=1, batch=batch)
    dispatcher = await messaging.dispatcher(reaction)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=n) for n in (1, 2)))
    claim = await dispatcher._claiming.claim({"lab.first": 2})

    await dispatcher._deliver(claim.deliveries)

    assert await messaging.owed() == [("lab.first", 1, 1, True)]
    assert await messaging.seen("lab.first") == [("s2", 2)]
    stored = await messaging.statements.value("SELECT last_error FROM messaging.delivery")
    assert stored.startswith("HandlerCancelledError in ")


async def test_a_reaction_that_takes_longer_than_its_timeout_has_failed(
    messaging: Messaging,
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    hanging = observer("lab.first", after=hang, max_attempts=1)
    hanging = replace(hanging, timeout=timedelta(milliseconds=50))
    dispatcher = await messaging.dispatcher(hanging)
    await messaging.publish(NumberDrawn(series="s", number=1))

    async with asyncio.timeout(60):
        with pytest.RaisesGroup(TimeoutError):
            await dispatcher.drain()

    assert await messaging.seen("lab.first") == []
    assert await messaging.owed() == [("lab.first", 1, 1, True)]


async def test_a_row_that_somebody_holds_keeps_no_claim_from_its_work(
    messaging: Messaging,
) -> None:
    """Or one frozen connection would stop every delivery of this process."""
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(2)))
    [held] = (await dispatcher._claiming.claim({"lab.first": 1})).deliveries

    async with messaging.engine.begin() as other:
        await other.execute(text("SELECT FROM messaging.delivery WHERE position = 1 FOR UPDATE"))
        await dispatcher._releasing.release([held])
        await dispatcher._claim()
        await asyncio.wait(dispatcher._workload.running)
        meanwhile = await messaging.seen("lab.first")
    await dispatcher._releasing.release_kept()

    assert meanwhile == [("s1", 1)]
    assert await messaging.owed() == [("lab.first", 1, 0, False)]


async def test_an_effect_that_only_seems_to_be_cancelled_costs_the_attempt(
    messaging: Messaging,
) -> None:
    async def give_up(_: NumberDrawn) -> None:
        raise asyncio.CancelledError

    effect = caller("lab.mail", Outside(), before=give_up, max_attempts=1)
    dispatcher = await messaging.dispatcher(effect)
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(HandlerCancelledError):
        await dispatcher.drain()

    assert await messaging.owed() == [("lab.mail", 1, 1, True)]


async def test_what_cannot_be_given_back_during_an_outage_is_given_back_after_it(
    messaging: Messaging, database: str
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    engine = create_engine(gateway.url, pool_size=10, pool_timeout=60, connect_timeout=60)
    dispatcher = await messaging.dispatcher(observer("lab.first"), engine=engine)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(2)))
    claim = await dispatcher._claiming.claim({"lab.first": 2})
    claimed = await messaging.owed()

    await gateway.cut()
    for delivery in claim.deliveries:
        await dispatcher._releasing.release([delivery])
    await gateway.open()
    await dispatcher._releasing.release_kept()
    await engine.dispose()
    await gateway.cut()

    assert [attempts for _, _, attempts, _ in claimed] == [1, 1]
    assert [attempts for _, _, attempts, _ in await messaging.owed()] == [0, 0]


async def test_a_reaction_that_finds_nobody_at_the_other_end_gets_its_attempt_back(
    messaging: Messaging, database: str
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    gateway.swallow()
    engine = create_engine(gateway.url, pool_size=10, pool_timeout=60, connect_timeout=0.05)
    claiming = await messaging.dispatcher(observer("lab.first", max_attempts=1))
    delivering = await messaging.dispatcher(
        observer("lab.first", max_attempts=1), engine=engine, draw=1_000
    )
    await messaging.publish(NumberDrawn(series="s", number=1))
    claim = await claiming._claiming.claim({"lab.first": 1})

    [error] = await delivering._delivering.deliver(claim.deliveries)
    claiming._delivering.releasing.keep(claim.deliveries)
    await claiming._delivering.releasing.release_kept()
    await engine.dispose()
    await gateway.cut()

    assert type(error) is ConnectionError
    assert await messaging.owed() == [("lab.first", 1, 0, False)]


async def test_what_brings_the_database_down_each_time_ends_as_a_dead_letter(
    messaging: Messaging,
) -> None:
    async def break_it(_: NumberDrawn, notebook: Notebook) -> None:
        await notebook.session.execute(text(BREAKS))

    dispatcher = await messaging.dispatcher(observer("lab.first", after=break_it, max_attempts=2))
    await messaging.publish(NumberDrawn(series="s", number=1))

    attempts = []
    for _ in range(SPARED + 2):
        with pytest.RaisesGroup(DBAPIError):
            await _deliver_once(dispatcher)
        attempts += [owed[2] for owed in await messaging.owed()]
        await messaging.make_all_due()

    assert attempts == [0] * SPARED + [1, 2]
    assert await messaging.owed() == [("lab.first", 1, 2, True)]


async def test_an_effect_that_cannot_be_paid_for_has_not_failed(
    messaging: Messaging, database: str
) -> None:
    gateway = Gateway(database)
    await gateway.open()
    engine = create_engine(gateway.url, pool_size=10, pool_timeout=60, connect_timeout=60)
    outside = Outside()

    async def lose_the_database(_: NumberDrawn) -> None:
        await gateway.cut()

    effect = caller("lab.mail", outside, after=lose_the_database, max_attempts=1)
    dispatcher = await messaging.dispatcher(effect, engine=engine)
    await messaging.publish(NumberDrawn(series="s", number=1))
    claim = await dispatcher._claiming.claim({"lab.mail": 1})

    with pytest.raises((DBAPIError, OSError)):
        await dispatcher._delivering.deliver(claim.deliveries)
    await engine.dispose()

    assert await messaging.owed() == [("lab.mail", 1, 1, False)]
    assert await messaging.statements.value("SELECT last_error FROM messaging.delivery") is None
    assert dispatcher.outcomes == {}


async def test_an_effect_that_could_not_ask_the_database_gets_its_attempt_back(
    messaging: Messaging,
) -> None:
    async def ask(*_: object) -> None:
        with outages_as_unavailable():
            raise ConnectionResetError

    effect = caller("lab.mail", Outside(), after=ask, max_attempts=1)
    dispatcher = await messaging.dispatcher(effect, draw=1_000)
    await messaging.publish(NumberDrawn(series="s", number=1))
    claim = await dispatcher._claiming.claim({"lab.mail": 1})

    errors = await dispatcher._delivering.deliver(claim.deliveries)

    assert [type(error) for error in errors] == [DatabaseUnavailableError]
    assert await messaging.owed() == [("lab.mail", 1, 0, False)]


async def test_an_effect_whose_other_side_is_away_has_failed(
    messaging: Messaging,
) -> None:
    async def ask(*_: object) -> None:
        raise ConnectionResetError

    dispatcher = await messaging.dispatcher(
        caller("lab.mail", Outside(), after=ask, max_attempts=1)
    )
    await messaging.publish(NumberDrawn(series="s", number=1))

    with pytest.RaisesGroup(ConnectionResetError):
        await dispatcher.drain()

    assert await messaging.owed() == [("lab.mail", 1, 1, True)]


async def _deliver_once(dispatcher: Dispatcher) -> None:
    claim = await dispatcher._claiming.claim({"lab.first": 1})
    if errors := await dispatcher._delivering.deliver(claim.deliveries):
        raise ExceptionGroup("failed", errors)
