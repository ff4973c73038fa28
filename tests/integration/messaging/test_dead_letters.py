"""Dead letters: listed with their events; many of them are revived or discarded as one."""

from __future__ import annotations

import pytest

from app.shared.infrastructure.messaging.dead_letters import (
    dead_letter,
    dead_letters,
    discard_all,
    revive_all,
)
from app.shared.infrastructure.statements import AsyncpgReader
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer


@pytest.fixture
async def graveyard(messaging: Messaging) -> Messaging:
    """Of events 1 to 4, key `a` first and third: all but the last are dead to both subscribers."""
    await messaging.dispatcher(observer("lab.first"), observer("lab.strict", strict=True))
    await messaging.publish(
        *(NumberDrawn(series=key, number=n) for n, key in enumerate("abab", start=1))
    )
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET available_at = now() + interval '1 hour'"
    )
    await messaging.statements.rows(
        "UPDATE messaging.delivery SET dead_at = now(), attempts = 8, last_error = 'OSError'"
        " WHERE position < 4"
    )
    return messaging


async def test_dead_letters_are_listed_by_subscriber_the_oldest_first(
    graveyard: Messaging, reader: AsyncpgReader
) -> None:
    everybody = await dead_letters(reader, limit=4)
    strict = await dead_letters(reader, "lab.strict", limit=2)

    assert [(letter.subscriber, letter.position) for letter in everybody] == [
        ("lab.first", 1), ("lab.first", 2), ("lab.first", 3), ("lab.strict", 1),
    ]  # fmt: skip
    assert [(letter.subscriber, letter.position) for letter in strict] == [
        ("lab.strict", 1),
        ("lab.strict", 2),
    ]


async def test_a_dead_letter_is_shown_with_its_event(
    graveyard: Messaging, reader: AsyncpgReader
) -> None:
    letter = await dead_letter(reader, 3, "lab.first")
    alive = await dead_letter(reader, 4, "lab.first")

    assert alive is None
    assert letter is not None
    assert (letter.position, letter.subscriber, letter.key) == (3, "lab.first", "a")
    assert (letter.type, letter.version) == ("lab.number_drawn", 1)
    assert (letter.attempts, letter.last_error) == (8, "OSError")
    assert letter.payload == {"series": "a", "number": 3}
    assert letter.meta == {}


async def test_all_of_a_subscriber_are_revived_with_all_of_their_attempts(
    graveyard: Messaging,
) -> None:
    revived = await revive_all(graveyard.statements, "lab.strict")

    assert revived == 3
    assert await graveyard.owed() == [
        *(("lab.first", position, 8, True) for position in (1, 2, 3)),
        ("lab.first", 4, 0, False),
        *(("lab.strict", position, 0, False) for position in (1, 2, 3, 4)),
    ]
    assert await _due(graveyard) == [("lab.strict", 1), ("lab.strict", 2), ("lab.strict", 3)]


async def test_all_of_a_subscriber_are_discarded_and_what_they_held_back_is_due(
    graveyard: Messaging,
) -> None:
    discarded = await discard_all(graveyard.statements, "lab.strict")

    assert discarded == 3
    assert await graveyard.owed() == [
        *(("lab.first", position, 8, True) for position in (1, 2, 3)),
        ("lab.first", 4, 0, False),
        ("lab.strict", 4, 0, False),
    ]
    assert await _due(graveyard) == [("lab.strict", 4)]


async def _due(messaging: Messaging) -> list[tuple[str, int]]:
    rows = await messaging.statements.rows(
        "SELECT subscriber, position FROM messaging.delivery"
        " WHERE dead_at IS NULL AND available_at <= now() ORDER BY subscriber, position"
    )
    return [(row["subscriber"], row["position"]) for row in rows]
