"""How soon others take on what a dead process had claimed: by its lease and one look."""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta

import pytest
from pydantic import ValidationError

from app.shared.application.event_bus import Effect, Reaction, Relay, StoredEvent
from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.claiming import lease
from app.shared.settings import EventsSettings

AN_HOUR = 3_600_000
"""In milliseconds: more than any pause between two looks."""


async def handle(*_: object) -> None: ...


async def send(_: StoredEvent) -> None: ...


REACTION = Reaction(name="lab.first", event=Event, handler=handle, work=lambda _: None)
TIMEOUTS = [timedelta(seconds=1), timedelta(seconds=30), timedelta(hours=1)]


def refused(poll: int) -> bool:
    try:
        EventsSettings(poll=timedelta(milliseconds=poll))
    except ValidationError:
        return True
    return False


@pytest.fixture
def longest_poll() -> float:
    """Seconds: as much as the setting allows."""
    return bisect_left(range(1, AN_HOUR), True, key=refused) / 1_000


def test_what_a_reaction_had_claimed_is_claimed_again_within_ten_seconds(
    longest_poll: float,
) -> None:
    assert longest_poll >= 1
    assert lease(REACTION) + longest_poll <= 10


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_what_an_effect_had_claimed_is_claimed_again_ten_seconds_after_its_timeout(
    longest_poll: float, timeout: timedelta
) -> None:
    effect = Effect(name="lab.mail", event=Event, handler=handle, timeout=timeout)
    relay = Relay(name="lab.relay", types=("lab.number_drawn",), send=send, timeout=timeout)

    for subscriber in (effect, relay):
        beyond = lease(subscriber) - timeout.total_seconds()
        assert 0 < beyond <= 5
        assert beyond + longest_poll <= 10
