"""Replay: what happened is owed anew, in its order, and nothing twice at the same time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from app.shared.infrastructure.messaging.replay import EmptySpanError, Moment, Replayed, replay
from app.shared.infrastructure.messaging.subscriptions import (
    UnknownEventTypeError,
    UnknownSubscriberError,
)
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVERYTHING = timedelta(days=3650)


async def test_past_events_are_delivered_again_in_their_order(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"), observer("lab.second"))
    await _publish(messaging, 4)
    await dispatcher.drain()

    replayed = await _replay(messaging, since=EVERYTHING)
    await dispatcher.drain()

    assert _counts(replayed) == (4, 0, 0)
    assert await messaging.seen("lab.first") == [("s", n) for n in (1, 2, 3, 4, 1, 2, 3, 4)]
    assert await messaging.seen("lab.second") == [("s", n) for n in (1, 2, 3, 4)]


async def test_a_subscriber_that_came_later_gets_what_was_before(messaging: Messaging) -> None:
    await _publish(messaging, 3)
    dispatcher = await messaging.dispatcher(observer("lab.first", strict=True))

    await _replay(messaging, since=EVERYTHING)

    stored = await messaging.statements.rows("SELECT key, strict FROM messaging.delivery")
    assert [(row["key"], row["strict"]) for row in stored] == [("s", True)] * 3
    await dispatcher.drain()
    assert await messaging.seen("lab.first") == [("s", 1), ("s", 2), ("s", 3)]


async def test_what_is_still_owed_stays_as_it_is(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish(messaging, 4)
    await messaging.statements.rows("DELETE FROM messaging.delivery WHERE position = 1")
    await messaging.statements.rows("UPDATE messaging.delivery SET attempts = position")
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET dead_at = now() WHERE position = 4"
    )

    replayed = await _replay(messaging, since=EVERYTHING)

    assert _counts(replayed) == (1, 2, 1)
    assert await messaging.owed() == [
        ("lab.first", 1, 0, False),
        ("lab.first", 2, 2, False),
        ("lab.first", 3, 3, False),
        ("lab.first", 4, 4, True),
    ]


async def test_a_replayed_event_comes_before_later_ones_of_its_key(messaging: Messaging) -> None:
    broken = True

    async def fail_at_three(event: NumberDrawn, _: Notebook) -> None:
        if broken and event.number == 3:
            raise LookupError

    dispatcher = await messaging.dispatcher(observer("lab.first", before=fail_at_three), draw=1_000)
    await _publish(messaging, 4)
    with pytest.RaisesGroup(LookupError):
        await dispatcher.drain()
    broken = False

    await _replay(messaging, since=EVERYTHING)
    for _ in range(4):
        await messaging.make_all_due()
        await dispatcher.drain()

    assert await messaging.seen("lab.first") == [("s", n) for n in (1, 2, 1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("since", "until", "meant"),
    [
        (NOON, NOON + timedelta(minutes=3), [1, 2, 3]),
        (NOON + timedelta(minutes=1), timedelta(0), [2, 3, 4, 5]),
        (NOON + timedelta(minutes=10), timedelta(0), []),
    ],
)
async def test_only_what_happened_in_the_span_is_owed_anew(
    messaging: Messaging, since: Moment, until: Moment, meant: list[int]
) -> None:
    """A minute lies between two events; the end does not belong to it."""
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 5)

    replayed = await _replay(messaging, since=since, until=until)

    assert [position for _, position, *_ in await messaging.owed()] == meant
    assert replayed.owed_anew == len(meant)
    assert replayed.since == since


async def test_only_the_type_that_is_asked_for_is_owed_anew(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await messaging.statements.rows(
        "INSERT INTO messaging.subscription (subscriber, event_type, strict)"
        " VALUES ('lab.first', 'lab.other', false)"
    )
    await _publish_at_noon(messaging, 4)
    await messaging.statements.rows(
        "UPDATE messaging.event SET type = 'lab.' ||"
        " (ARRAY['other', 'foreign', 'number_drawn', 'other'])[position]"
    )

    other = await _replay(messaging, since=NOON, event_type="lab.other")
    owed = [position for _, position, *_ in await messaging.owed()]
    all_types = await _replay(messaging, since=NOON)

    assert _counts(other) == (2, 0, 0)
    assert owed == [1, 4]
    assert _counts(all_types) == (1, 2, 0)
    assert [position for _, position, *_ in await messaging.owed()] == [1, 3, 4]


async def test_the_span_is_one_of_time_wherever_an_event_is_in_the_log(
    messaging: Messaging,
) -> None:
    """Those that came from elsewhere are stored later than they happened."""
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 5)
    await messaging.statements.rows(
        "UPDATE messaging.event SET occurred_at = $1::timestamptz"
        " + (ARRAY[2, -1, 2, 5, 2])[position] * interval '1 hour'",
        NOON,
    )

    await _replay(messaging, since=NOON, until=NOON + timedelta(hours=5))

    assert [position for _, position, *_ in await messaging.owed()] == [1, 3, 5]


@pytest.mark.parametrize(
    ("subscriber", "event_type", "since", "error"),
    [
        ("lab.nobody", None, NOON, UnknownSubscriberError),
        ("lab.first", "lab.other", NOON, UnknownEventTypeError),
        ("lab.first", None, datetime(2100, 1, 1, tzinfo=UTC), EmptySpanError),
    ],
)
async def test_what_does_not_fit_is_refused_and_nothing_owed(
    messaging: Messaging,
    subscriber: str,
    event_type: str | None,
    since: datetime,
    error: type[Exception],
) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 1)

    with pytest.raises(error):
        await replay(messaging.statements, subscriber, since=since, event_type=event_type)

    assert await messaging.owed() == []


async def test_it_walks_in_batches_and_tells_how_far_it_is(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 5)
    told: list[tuple[int, int]] = []

    replayed = await replay(
        messaging.statements, "lab.first", since=NOON, batch=2,
        progress=lambda walked, of_all: told.append((walked, of_all)),
    )  # fmt: skip

    assert _counts(replayed) == (5, 0, 0)
    assert told == [(2, 5), (4, 5), (5, 5)]


async def test_one_that_was_interrupted_goes_on_when_it_is_repeated(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 5)

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await replay(messaging.statements, "lab.first", since=NOON, batch=2, progress=interrupt)
    kept = len(await messaging.owed())
    repeated = await _replay(messaging, since=NOON)

    assert kept == 2
    assert _counts(repeated) == (3, 2, 0)
    assert len(await messaging.owed()) == 5


async def test_an_event_that_is_purged_meanwhile_is_left_out(messaging: Messaging) -> None:
    await messaging.dispatcher(observer("lab.first"))
    await _publish_at_noon(messaging, 3)

    async with messaging.engine.connect() as purging:
        await purging.exec_driver_sql("DELETE FROM messaging.event WHERE position = 2")
        replaying = asyncio.create_task(_replay(messaging, since=NOON))
        await _somebody_waits(messaging)
        await purging.commit()
    replayed = await replaying

    assert _counts(replayed) == (2, 0, 0)
    assert [position for _, position, *_ in await messaging.owed()] == [1, 3]


async def _publish(messaging: Messaging, count: int) -> None:
    await messaging.publish(*(NumberDrawn(series="s", number=n + 1) for n in range(count)))


async def _publish_at_noon(messaging: Messaging, count: int) -> None:
    """Delivered already, and a minute apart."""
    await _publish(messaging, count)
    await messaging.statements.rows(
        "UPDATE messaging.event"
        " SET occurred_at = $1::timestamptz + (position - 1) * interval '1 minute'",
        NOON,
    )
    await messaging.statements.rows("DELETE FROM messaging.delivery")


async def _replay(
    messaging: Messaging,
    *,
    since: Moment,
    until: Moment = timedelta(0),
    event_type: str | None = None,
) -> Replayed:
    return await replay(
        messaging.statements, "lab.first", since=since, until=until, event_type=event_type
    )


def _counts(replayed: Replayed) -> tuple[int, int, int]:
    return replayed.owed_anew, replayed.already_owed, replayed.dead


async def _somebody_waits(messaging: Messaging) -> None:
    async with asyncio.timeout(60):
        while not await messaging.statements.value(
            "SELECT bool_or(wait_event_type = 'Lock') FROM pg_stat_activity"
            " WHERE datname = current_database()"
        ):
            pass
