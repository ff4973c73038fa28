"""Batches: many deliveries in one transaction, each of them as safe as alone."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest
from sqlalchemy import text

from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.claiming import Claiming
from tests.integration.messaging.conftest import Messaging, Seen
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer

TEN = [NumberDrawn(series=f"s{n}", number=1) for n in range(10)]
ALL_TEN = [(f"s{n}", 1) for n in range(10)]


class Transactions:
    """Keeps in which transaction each series was handled, those undone included."""

    def __init__(self) -> None:
        self.of: dict[str, list[int]] = defaultdict(list)

    async def __call__(self, event: NumberDrawn, notebook: Notebook) -> None:
        xid = await notebook.session.scalar(text("SELECT pg_current_xact_id()::text::bigint"))
        self.of[event.series].append(xid or 0)


async def choke_on_the_fifth(event: NumberDrawn, _: Notebook) -> None:
    if event.series == "s4":
        raise LookupError


async def test_a_batch_is_one_transaction(messaging: Messaging, seen: Seen) -> None:
    transactions = Transactions()
    batched = observer("lab.first", before=transactions, batch=10)
    dispatcher = await messaging.dispatcher(batched, concurrency=2)
    await messaging.publish(*TEN)

    dispatcher.start()
    await seen.wait_for(10)
    await dispatcher.stop()

    assert len({xid for xids in transactions.of.values() for xid in xids}) == 1
    assert await messaging.seen("lab.first") == ALL_TEN
    assert await messaging.owed() == []
    assert dispatcher.outcomes["lab.first", "paid"] == 10


async def test_when_one_of_a_batch_fails_each_gets_its_own_transaction(
    messaging: Messaging,
) -> None:
    transactions = Transactions()
    batched = observer("lab.first", before=transactions, after=choke_on_the_fifth, batch=10)
    dispatcher = await messaging.dispatcher(batched, draw=1_000)
    await messaging.publish(*TEN)
    claim = await dispatcher._claiming.claim({"lab.first": 10})

    errors = await dispatcher._delivering.deliver(claim.deliveries)

    assert [type(error) for error in errors] == [LookupError]
    assert await messaging.seen("lab.first") == [each for each in ALL_TEN if each != ("s4", 1)]
    assert await messaging.owed() == [("lab.first", 5, 1, False)]
    assert len({xids[-1] for xids in transactions.of.values()}) == 10
    stored = await messaging.statements.value("SELECT last_error FROM messaging.delivery")
    assert stored.startswith("LookupError in choke_on_the_fifth")


async def test_a_batch_has_no_two_of_a_key_and_keeps_their_order(
    messaging: Messaging, seen: Seen
) -> None:
    batched = observer("lab.first", batch=10)
    dispatcher = await messaging.dispatcher(batched, poll=3_600)
    await messaging.publish(*(NumberDrawn(series=f"s{n % 4}", number=n // 4) for n in range(40)))
    claim = await dispatcher._claiming.claim({"lab.first": 10})
    await dispatcher._releasing.release(claim.deliveries)

    dispatcher.start()
    await seen.wait_for(40)
    await dispatcher.stop()

    assert Counter(delivery.event.key for delivery in claim.deliveries) == {
        f"s{n}": 1 for n in range(4)
    }
    numbers = defaultdict(list)
    for series, number in await messaging.seen("lab.first"):
        numbers[series].append(number)
    assert dict(numbers) == {f"s{n}": list(range(10)) for n in range(4)}


async def test_an_unknown_event_of_a_batch_is_released_alone(messaging: Messaging) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", batch=10))
    await messaging.publish(*TEN)
    await messaging.statements.rows("UPDATE messaging.event SET version = 2 WHERE position = 5")
    claim = await dispatcher._claiming.claim({"lab.first": 10})

    await dispatcher._delivering.deliver(claim.deliveries)

    assert await messaging.seen("lab.first") == [each for each in ALL_TEN if each != ("s4", 1)]
    assert await messaging.owed() == [("lab.first", 5, 0, False)]


async def test_what_a_batch_lost_meanwhile_it_leaves_to_whoever_has_it(
    messaging: Messaging,
) -> None:
    batched = observer("lab.first", batch=10)
    here = await messaging.dispatcher(batched)
    there = Claiming(messaging.engine, EventBus([batched]))
    await messaging.publish(*TEN)
    overtaken = await here._claiming.claim({"lab.first": 10})
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET available_at = now() WHERE position > 7"
    )
    present = await there.claim({"lab.first": 10})

    await here._delivering.deliver(overtaken.deliveries)
    owed = await messaging.owed()
    await here._delivering.deliver(present.deliveries)

    assert owed == [("lab.first", position, 2, False) for position in (8, 9, 10)]
    assert here.outcomes["lab.first", "lost"] == 3
    assert await messaging.seen("lab.first") == ALL_TEN
    assert await messaging.owed() == []


async def test_each_event_published_in_a_batch_names_its_own_cause(messaging: Messaging) -> None:
    async def pass_on(event: NumberDrawn, notebook: Notebook) -> None:
        caused = NumberDrawn(series=f"after {event.series}", number=2)
        await messaging.event_log.publish(notebook.session, [caused])

    dispatcher = await messaging.dispatcher(observer("lab.first", before=pass_on, batch=10))
    await messaging.publish(*TEN)
    claim = await dispatcher._claiming.claim({"lab.first": 10})

    await dispatcher._delivering.deliver(claim.deliveries)

    rows = await messaging.statements.rows(
        "SELECT id::text, key, meta::text FROM messaging.event ORDER BY position"
    )
    causes = {row["key"]: row["id"] for row in rows[:10]}
    assert {row["key"]: json.loads(row["meta"])["causation_id"] for row in rows[10:]} == {
        f"after {key}": event_id for key, event_id in causes.items()
    }


@pytest.mark.parametrize("batch", [1, 7])
async def test_a_batch_fits_however_many_there_are(
    messaging: Messaging, seen: Seen, batch: int
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first", batch=batch), concurrency=1)
    await messaging.publish(*TEN)

    dispatcher.start()
    await seen.wait_for(10)
    await dispatcher.stop()

    assert sorted(await messaging.seen("lab.first")) == ALL_TEN
    assert await messaging.owed() == []


async def test_what_others_took_and_gave_back_meanwhile_is_not_paid_for(
    messaging: Messaging,
) -> None:
    """Its attempt is the one that was claimed here again, but here it did not run."""

    async def give_back_the_other(*_: object) -> None:
        await messaging.statements.rows(
            "UPDATE messaging.delivery SET attempts = 1 WHERE position = 2"
        )

    reaction = observer("lab.first", after=give_back_the_other, batch=2)
    dispatcher = await messaging.dispatcher(reaction)
    await messaging.publish(*(NumberDrawn(series=f"s{n}", number=1) for n in (1, 2)))
    claim = await dispatcher._claiming.claim({"lab.first": 2})
    await messaging.statements.rows("UPDATE messaging.delivery SET attempts = 2 WHERE position = 2")

    await dispatcher._delivering.deliver(claim.deliveries)

    assert await messaging.seen("lab.first") == [("s1", 1)]
    assert await messaging.owed() == [("lab.first", 2, 1, False)]
