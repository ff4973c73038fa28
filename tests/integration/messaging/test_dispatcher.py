"""The dispatcher's life: it outlives the database, shares fairly and gives back what it drops."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from app.database import create_engine
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.claiming import LEASE, Claiming
from app.shared.infrastructure.messaging.dispatcher import Dispatcher, PoolTooSmallError
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'victim'
"""
SOMEBODY_WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
MOVE = "UPDATE messaging.delivery SET available_at = available_at + $1::interval"
AN_HOUR = timedelta(hours=1)


async def test_the_dispatcher_outlives_its_connections(
    messaging: Messaging, database: str, seen: Seen
) -> None:
    engine = create_engine(
        database, pool_size=10, pool_timeout=60, connect_timeout=60, application_name="victim"
    )
    dispatcher = await messaging.dispatcher(observer("lab.first"), poll=0.05, engine=engine)
    dispatcher.start()
    await messaging.publish(NumberDrawn(series="s", number=1))
    await seen.wait_for(1)

    terminated = await messaging.statements.rows(TERMINATE)
    await messaging.publish(NumberDrawn(series="s", number=2))
    await seen.wait_for(2)
    await dispatcher.stop()
    await engine.dispose()

    assert terminated
    assert await messaging.seen("lab.first") == [("s", 1), ("s", 2)]


async def test_an_outage_of_the_database_is_waited_out(messaging: Messaging) -> None:
    engine = create_engine("postgresql://nobody@127.0.0.1:1/none", pool_size=10, pool_timeout=1)
    dispatcher = await messaging.dispatcher(observer("lab.first"), engine=engine)

    with capture_logs() as lines:
        await dispatcher._claim()

    assert [line["event"] for line in lines] == ["deliveries wait for the database"]
    assert not dispatcher._workload.running


async def test_a_delivery_cut_short_by_shutdown_is_given_back(messaging: Messaging) -> None:
    started = asyncio.Event()

    async def hang(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    dispatcher = await messaging.dispatcher(observer("lab.first", after=hang))
    await messaging.publish(NumberDrawn(series="s", number=1))
    dispatcher.start()
    await started.wait()

    await dispatcher.stop(grace=0)

    assert await messaging.owed() == [("lab.first", 1, 0, False)]
    assert await messaging.seen("lab.first") == []
    assert await messaging.statements.value("SELECT available_at <= now() FROM messaging.delivery")


async def test_a_shutdown_waits_for_what_runs(messaging: Messaging) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def wait(*_: object) -> None:
        started.set()
        await go.wait()

    dispatcher = await messaging.dispatcher(observer("lab.first", before=wait))
    await messaging.publish(NumberDrawn(series="s", number=1))
    dispatcher.start()
    await started.wait()

    stopping = asyncio.create_task(dispatcher.stop(grace=30))
    go.set()
    await stopping

    assert await messaging.seen("lab.first") == [("s", 1)]
    assert await messaging.owed() == []


async def test_no_more_than_its_concurrency_run_at_once(messaging: Messaging, seen: Seen) -> None:
    running, most = 0, 0

    async def enter(*_: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)

    async def leave(*_: object) -> None:
        nonlocal running
        running -= 1

    dispatcher = await messaging.dispatcher(
        observer("lab.first", before=enter, after=leave), concurrency=3
    )
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(50)))
    dispatcher.start()
    await seen.wait_for(50)
    await dispatcher.stop()

    assert 1 < most <= 3


async def test_a_full_subscriber_leaves_the_others_their_share(messaging: Messaging) -> None:
    busy, quiet = observer("lab.busy"), observer("lab.quiet")
    await messaging.dispatcher(busy)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(20)))
    await messaging.dispatcher(quiet)
    await messaging.publish(NumberDrawn(series="late", number=1))

    most = {"lab.busy": 2, "lab.quiet": 2}
    claim = await Claiming(messaging.engine, EventBus([busy, quiet])).claim(most)

    names = [delivery.subscriber for delivery in claim.deliveries]
    assert sorted(names) == ["lab.busy", "lab.busy", "lab.quiet"]
    assert claim.left == {"lab.busy"}


async def test_what_is_behind_those_that_die_at_the_claim_need_not_wait_for_a_poll(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in range(2)))
    await messaging.statements.rows("UPDATE messaging.delivery SET attempts = 8 WHERE position = 1")

    claim = await dispatcher._claiming.claim({"lab.first": 1})

    assert claim.died == [("lab.first", 1)]
    assert claim.deliveries == []
    assert claim.left == {"lab.first"}


async def test_what_a_dead_process_had_claimed_is_claimed_again(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    begun = await messaging.statements.value("SELECT clock_timestamp()")
    await Claiming(messaging.engine, EventBus([observer("lab.first")])).claim({"lab.first": 1})
    until = await messaging.statements.value("SELECT available_at FROM messaging.delivery")
    await messaging.statements.rows(MOVE, AN_HOUR)  # or a slow machine would outlast the lease

    await dispatcher.drain()
    before = await messaging.seen("lab.first")
    await messaging.statements.rows(MOVE, -AN_HOUR - timedelta(seconds=LEASE))
    await dispatcher.drain()

    assert until - begun >= timedelta(seconds=LEASE)
    assert before == []
    assert await messaging.seen("lab.first") == [("s", 1)]


async def test_a_claim_overtaken_by_another_does_nothing(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    claiming = Claiming(messaging.engine, EventBus([observer("lab.first")]))
    await messaging.publish(NumberDrawn(series="s", number=1))
    [first] = (await claiming.claim({"lab.first": 1})).deliveries
    await messaging.make_all_due()
    [second] = (await claiming.claim({"lab.first": 1})).deliveries

    await dispatcher._delivering.deliver([first])
    overtaken = await messaging.seen("lab.first")
    await dispatcher._delivering.deliver([second])
    await dispatcher._delivering.deliver([second])

    assert overtaken == []
    assert await messaging.seen("lab.first") == [("s", 1)]


async def test_a_subscriber_of_another_process_is_not_touched(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.elsewhere"))
    here = await messaging.dispatcher(observer("lab.here"))
    await messaging.publish(NumberDrawn(series="s", number=1))

    await here.drain()

    assert await messaging.owed() == [("lab.elsewhere", 1, 0, False)]


async def test_a_pool_without_room_beside_the_deliveries_is_refused(
    messaging: Messaging, database: str
) -> None:
    engine = create_engine(database, pool_size=9, pool_timeout=1)
    dispatcher = Dispatcher(
        engine,
        EventBus([]),
        messaging.codec,
        messaging.event_log,
        messaging.bell,
        concurrency=8,
    )

    with pytest.raises(PoolTooSmallError, match="need a pool of 10, not 9"):
        dispatcher.start()


async def test_an_event_published_by_a_reaction_names_its_cause(messaging: Messaging) -> None:
    async def pass_on(event: NumberDrawn, notebook: Notebook) -> None:
        if event.number == 1:
            await messaging.event_log.publish(
                notebook.session, [NumberDrawn(series="caused", number=2)]
            )

    dispatcher = await messaging.dispatcher(observer("lab.first", before=pass_on))
    with bound_contextvars(request_id="the-request", actor="somebody"):
        await messaging.publish(NumberDrawn(series="cause", number=1))

    await dispatcher.drain()

    cause, caused = await messaging.statements.rows(
        "SELECT id, meta::text FROM messaging.event ORDER BY position"
    )
    assert json.loads(cause["meta"]) == {"correlation_id": "the-request", "actor": "somebody"}
    assert json.loads(caused["meta"]) == {
        "correlation_id": "the-request",
        "actor": "somebody",
        "causation_id": str(cause["id"]),
    }
    assert await messaging.seen("lab.first") == [("cause", 1), ("caused", 2)]


async def test_what_somebody_else_holds_is_not_paid_for(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    claim = await dispatcher._claiming.claim({"lab.first": 1})

    async with messaging.engine.begin() as other:
        await other.execute(text("UPDATE messaging.delivery SET attempts = 2"))
        delivering = asyncio.create_task(dispatcher._delivering.deliver(claim.deliveries))
        while not (delivering.done() or await messaging.statements.value(SOMEBODY_WAITS)):
            pass
    await delivering

    assert await messaging.seen("lab.first") == []
    assert await messaging.owed() == [("lab.first", 1, 2, False)]
