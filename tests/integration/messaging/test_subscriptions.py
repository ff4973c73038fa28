"""Subscriptions that this code does not have are found, and pruned with nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.pruning import StillOwedError, owed_under, prune
from app.shared.infrastructure.messaging.subscriptions import Subscription, subscriptions
from app.shared.infrastructure.statements import AsyncpgReader
from app.shared.infrastructure.unit_of_work import open_session
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer


async def test_what_this_code_does_not_have_is_told_apart(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    here = observer("lab.here", strict=True)
    await messaging.dispatcher(here, observer("lab.gone"))
    await messaging.statements.rows(
        "INSERT INTO messaging.subscription (subscriber, event_type, strict)"
        " VALUES ('lab.here', 'lab.former', false)"
    )

    stored = await subscriptions(reader, EventBus([here]))

    assert [(each.subscriber, each.event_type, each.strict, each.known) for each in stored] == [
        ("lab.gone", "lab.number_drawn", False, False),
        ("lab.here", "lab.former", False, False),
        ("lab.here", "lab.number_drawn", True, True),
    ]


async def test_pruned_is_owed_nothing_more(messaging: Messaging, reader: AsyncpgReader) -> None:
    await messaging.dispatcher(observer("lab.here"), observer("lab.gone"))

    discarded = await prune(messaging.engine, await _gone(reader))
    await messaging.publish(NumberDrawn(series="s", number=1))

    assert discarded == 0
    assert await messaging.owed() == [("lab.here", 1, 0, False)]


async def test_nothing_is_pruned_while_anything_is_owed(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    """A dead letter is something, too: nobody would ever see it again."""
    await messaging.dispatcher(observer("lab.here"), observer("lab.gone"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    await messaging.statements.rows("UPDATE messaging.delivery SET dead_at = now()")
    gone = await _gone(reader)

    owed = await owed_under(messaging.engine, gone)
    with pytest.raises(StillOwedError):
        await prune(messaging.engine, gone)

    assert owed == 1
    assert await _gone(reader) == gone
    assert len(await messaging.owed()) == 2


async def test_what_is_owed_can_be_given_up_with_it(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    """Only under the pruned event type: what else is owed to the subscriber stays."""
    await messaging.dispatcher(observer("lab.here"), observer("lab.gone"))
    await messaging.publish(*(NumberDrawn(series="s", number=n) for n in (1, 2, 3)))
    await messaging.statements.rows(
        "UPDATE messaging.event SET type = 'lab.former' WHERE position = 3"
    )

    discarded = await prune(messaging.engine, await _gone(reader), discard_owed=True)

    assert discarded == 2
    assert await _gone(reader) == []
    assert [(name, position) for name, position, *_ in await messaging.owed()] == [
        ("lab.gone", 3),
        ("lab.here", 1),
        ("lab.here", 2),
        ("lab.here", 3),
    ]


async def test_a_delivery_that_runs_just_now_keeps_its_subscription(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    await messaging.dispatcher(observer("lab.gone"))
    await messaging.publish(NumberDrawn(series="s", number=1))
    gone = await _gone(reader)

    async with messaging.engine.begin() as delivering:
        await delivering.exec_driver_sql("SELECT 1 FROM messaging.delivery FOR UPDATE")
        with pytest.raises(StillOwedError):
            await prune(messaging.engine, gone, discard_owed=True)

    assert await _gone(reader) == gone
    assert len(await messaging.owed()) == 1


async def test_whoever_publishes_meanwhile_leaves_nothing_behind(
    messaging: Messaging, reader: AsyncpgReader
) -> None:
    """It has read the subscription already, so it owes a delivery that nobody sees yet."""
    await messaging.dispatcher(observer("lab.gone"))
    gone = await _gone(reader)

    async with open_session(messaging.engine) as publishing:
        await messaging.event_log.publish(publishing, [NumberDrawn(series="s", number=1)])
        pruning = asyncio.create_task(prune(messaging.engine, gone))
        with pytest.raises(DatabaseUnavailableError):
            await pruning
        await publishing.commit()

    assert await _gone(reader) == gone
    with pytest.raises(StillOwedError):
        await prune(messaging.engine, gone)


async def _gone(reader: AsyncpgReader) -> list[Subscription]:
    stored = await subscriptions(reader, EventBus([observer("lab.here")]))
    return [each for each in stored if not each.known]
