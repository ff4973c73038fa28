"""How much a process takes on, and of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from app.shared.application.event_bus import EventBus, Reaction, Relay, StoredEvent, Subscriber
from app.shared.domain.event import Event
from app.shared.domain.ids import new_id
from app.shared.infrastructure.messaging import workload
from app.shared.infrastructure.messaging.claiming import Delivery
from app.shared.infrastructure.messaging.workload import MOST_AHEAD, PATIENCE, Workload


def reaction(name: str, *, batch: int = 1) -> Reaction:
    async def react(*_: object) -> None: ...

    return Reaction(name=name, event=Event, handler=react, work=lambda _: None, batch=batch)


def effect(name: str) -> Relay:
    async def send(_: StoredEvent) -> None: ...

    return Relay(name=name, types=("lab.number_drawn",), send=send, timeout=timedelta(seconds=1))


def deliveries(subscriber: str, positions: Iterable[int]) -> list[Delivery]:
    event = StoredEvent(
        id=new_id(),
        type="lab.number_drawn",
        version=1,
        key=None,
        payload="{}",
        meta={},
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return [
        Delivery(position=position, subscriber=subscriber, attempts=1, event=event)
        for position in positions
    ]


class Runs:
    """Keeps what runs until it is told to end."""

    def __init__(self) -> None:
        self.begun: list[list[int]] = []
        self._may_end: list[asyncio.Event] = []

    async def __call__(self, batch: Sequence[Delivery]) -> None:
        may_end = asyncio.Event()
        self.begun.append([delivery.position for delivery in batch])
        self._may_end.append(may_end)
        await may_end.wait()

    async def end(self, count: int) -> None:
        """The oldest of those that run; and let whatever follows begin."""
        for _ in range(count):
            self._may_end.pop(0).set()
        await settled()


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(workload, "monotonic", time)
    return time


@pytest.fixture
def eased() -> list[bool]:
    return []


@pytest.fixture
def taking_on(runs: Runs, time: Time, eased: list[bool]) -> Callable[..., Workload]:
    def make(*subscribers: Subscriber, concurrency: int = 8) -> Workload:
        bus = EventBus(subscribers)
        return Workload(bus, runs, concurrency=concurrency, eased=lambda: eased.append(True))

    return make


async def settled() -> None:
    """Let every task come as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def be_quick(load: Workload, runs: Runs, time: Time, name: str, count: int) -> None:
    """React to so many within a sixteenth of a second, which binary fractions can tell."""
    load.take(deliveries(name, range(count)))
    await settled()
    for _ in range(count):
        await runs.end(1)
    runs.begun.clear()
    time.now += 1 / 16


async def test_no_more_reactions_than_the_concurrency_run_at_once(
    taking_on: Callable[..., Workload], runs: Runs
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=3)

    load.take(deliveries("lab.first", range(5)))
    await settled()
    at_first = list(runs.begun)
    await runs.end(1)

    assert at_first == [[0], [1], [2]]
    assert runs.begun == [[0], [1], [2], [3]]
    assert len(load.running) == 3


async def test_a_batch_takes_one_place(taking_on: Callable[..., Workload], runs: Runs) -> None:
    load = taking_on(reaction("lab.first", batch=3), concurrency=2)

    load.take(deliveries("lab.first", range(7)))
    await settled()
    await runs.end(2)

    assert runs.begun == [[0, 1, 2], [3, 4, 5], [6]]


async def test_where_nobody_is_hungry_all_have_the_same_share(
    taking_on: Callable[..., Workload],
) -> None:
    load = taking_on(*(reaction(f"lab.{n}") for n in range(4)), concurrency=8)

    assert load.most(set()) == {f"lab.{n}": 2 for n in range(4)}


async def test_the_hungry_share_the_room_and_leave_the_others_theirs(
    taking_on: Callable[..., Workload],
) -> None:
    load = taking_on(*(reaction(f"lab.{n}") for n in range(4)), concurrency=8)

    one, two = load.most({"lab.0"}), load.most({"lab.0", "lab.1"})

    assert one == {"lab.0": 8, "lab.1": 2, "lab.2": 2, "lab.3": 2}
    assert two == {"lab.0": 4, "lab.1": 4, "lab.2": 2, "lab.3": 2}


async def test_many_subscribers_get_one_place_each_and_a_batch_is_claimed_whole(
    taking_on: Callable[..., Workload],
) -> None:
    load = taking_on(
        *(reaction(f"lab.{n}") for n in range(4)), reaction("lab.many", batch=50), concurrency=2
    )

    assert load.most(set()) == {**{f"lab.{n}": 1 for n in range(4)}, "lab.many": 50}


async def test_a_full_process_claims_no_reaction(
    taking_on: Callable[..., Workload], runs: Runs, time: Time
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=2)

    load.take(deliveries("lab.first", range(2)))
    await settled()
    full, room = load.most({"lab.first"}), load.has_room_for({"lab.first"})
    time.now += 1.0
    await runs.end(1)

    assert (full, room) == ({}, False)
    assert load.most({"lab.first"}) == {"lab.first": 1}
    assert load.has_room_for({"lab.first"})
    assert not load.has_room_for(set())


async def test_quick_reactions_are_claimed_ahead_at_their_pace(
    taking_on: Callable[..., Workload], runs: Runs, time: Time
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=2)

    await be_quick(load, runs, time, "lab.first", 60)

    assert load.most({"lab.first"}) == {"lab.first": 2 + 60 * 16 // 10}


async def test_there_is_an_end_to_what_is_claimed_ahead(
    taking_on: Callable[..., Workload], runs: Runs, time: Time
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=2)

    await be_quick(load, runs, time, "lab.first", MOST_AHEAD + 10)

    assert load.most({"lab.first"}) == {"lab.first": 2 + MOST_AHEAD}


async def test_slow_reactions_are_not_claimed_ahead(
    taking_on: Callable[..., Workload], runs: Runs, time: Time
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=2)
    await be_quick(load, runs, time, "lab.first", 60)

    load.take(deliveries("lab.first", range(2)))
    await settled()
    time.now += 1.0
    await runs.end(1)

    assert load.most({"lab.first"}) == {"lab.first": 1}


async def test_what_has_waited_too_long_is_given_up_and_does_not_run(
    taking_on: Callable[..., Workload], runs: Runs, time: Time
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=1)
    load.take(deliveries("lab.first", [1, 2]))
    await settled()
    time.now += PATIENCE / 2
    load.take(deliveries("lab.first", [3]))

    at_half_time, left = load.give_up(waiting=PATIENCE), load.patience
    time.now += PATIENCE / 2
    given_up = load.give_up(waiting=PATIENCE)
    await runs.end(1)

    assert (at_half_time, left) == ([], PATIENCE / 2)
    assert [[delivery.position for delivery in batch] for batch in given_up] == [[2]]
    assert runs.begun == [[1], [3]]
    assert load.patience == inf


async def test_an_effect_has_room_of_its_own(
    taking_on: Callable[..., Workload], runs: Runs
) -> None:
    load = taking_on(reaction("lab.first"), effect("lab.mail"), effect("lab.hook"), concurrency=2)

    load.take(deliveries("lab.first", [1, 2]) + deliveries("lab.mail", [1, 2]))
    await settled()
    most, hungry = load.most({"lab.mail", "lab.hook"}), load.has_room_for({"lab.mail"})
    load.take(deliveries("lab.hook", [1, 2]))
    await settled()

    assert most == {"lab.hook": 2}
    assert not hungry
    assert len(runs.begun) == 6
    assert load.most({"lab.hook"}) == {}


async def test_whoever_waits_for_room_is_told_of_every_end(
    taking_on: Callable[..., Workload], runs: Runs, eased: list[bool]
) -> None:
    load = taking_on(reaction("lab.first"), effect("lab.mail"))

    load.take(deliveries("lab.first", [1]) + deliveries("lab.mail", [1]))
    await settled()
    before = len(eased)
    await runs.end(2)

    assert (before, len(eased)) == (0, 2)
    assert load.running == set()


async def test_a_cancelled_reaction_lets_no_other_begin(
    taking_on: Callable[..., Workload], runs: Runs
) -> None:
    load = taking_on(reaction("lab.first"), concurrency=1)
    load.take(deliveries("lab.first", [1, 2]))
    await settled()

    for task in load.running:
        task.cancel()
    await settled()

    assert runs.begun == [[1]]
    assert load.running == set()
