"""Events as JSON and back, from every version that was ever stored."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest

from app.shared.domain.event import Event, Upcaster
from app.shared.infrastructure.messaging.codec import (
    BrokenUpcasterChainError,
    DuplicateEventError,
    EventCodec,
    NewerEventError,
    UndeclaredEventError,
    UnknownEventError,
    UnreadableEventError,
)

PARCEL = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SECRET = "must-not-be-shown"


def weigh_in_grams(payload: dict[str, Any]) -> dict[str, Any]:
    """Version 1 weighed in pounds."""
    return {"parcel_id": payload["parcel_id"], "grams": round(payload["pounds"] * 453.59237)}


def say_when(payload: dict[str, Any]) -> dict[str, Any]:
    """Version 2 did not say when; nothing was sent before the post office opened."""
    return payload | {"at": "2020-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name: ClassVar[str] = "post.parcel_sent"
    version: ClassVar[int] = 3
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: weigh_in_grams, 2: say_when}

    parcel_id: UUID
    at: datetime
    grams: int = 0

    @property
    def key(self) -> str:
        return str(self.parcel_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostor(Event):
    name: ClassVar[str] = "post.parcel_sent"


SENT = ParcelSent(parcel_id=PARCEL, at=datetime(2026, 1, 2, tzinfo=UTC), grams=70)


@pytest.fixture
def codec() -> EventCodec:
    return EventCodec([ParcelSent])


def declared(**attributes: Any) -> type[Event]:
    """An event class with these attributes and no more."""
    return dataclass(frozen=True)(type("Declared", (Event,), attributes))


def upcast(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


def test_an_event_survives_the_round_trip(codec: EventCodec) -> None:
    name, version, key, payload = codec.encode(SENT)

    assert (name, version, key) == ("post.parcel_sent", 3, str(PARCEL))
    assert codec.decode(name, version, payload) == SENT


def test_a_payload_without_a_later_field_gets_its_default(codec: EventCodec) -> None:
    payload = f'{{"parcel_id": "{PARCEL}", "at": "2026-01-02T00:00:00Z"}}'

    event = codec.decode("post.parcel_sent", 3, payload)

    assert event == ParcelSent(parcel_id=PARCEL, at=SENT.at)


def test_a_member_that_this_code_does_not_know_is_left_out(codec: EventCodec) -> None:
    payload = f'{{"parcel_id": "{PARCEL}", "at": "2026-01-02T00:00:00Z", "grams": 70, "new": 1}}'

    assert codec.decode("post.parcel_sent", 3, payload) == SENT


@pytest.mark.parametrize(
    ("version", "payload", "grams"),
    [
        (1, f'{{"parcel_id": "{PARCEL}", "pounds": 2}}', 907),
        (2, f'{{"parcel_id": "{PARCEL}", "grams": 70}}', 70),
    ],
)
def test_an_earlier_version_becomes_the_present_one_step_by_step(
    version: int, payload: str, grams: int, codec: EventCodec
) -> None:
    event = codec.decode("post.parcel_sent", version, payload)

    assert event == ParcelSent(parcel_id=PARCEL, at=datetime(2020, 1, 1, tzinfo=UTC), grams=grams)


def test_an_event_of_the_present_version_passes_no_upcaster() -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        pytest.fail("an upcaster was called")

    opened = declared(name="post.opened", version=2, upcasters={1: refuse})

    assert EventCodec([opened]).decode("post.opened", 2, "{}") == opened()


def test_an_event_without_a_class_is_unknown(codec: EventCodec) -> None:
    with pytest.raises(UnknownEventError):
        codec.decode("post.parcel_lost", 1, "{}")


def test_a_later_version_is_newer_and_not_guessed_at(codec: EventCodec) -> None:
    _, version, _, payload = codec.encode(SENT)

    with pytest.raises(NewerEventError):
        codec.decode("post.parcel_sent", version + 1, payload)


@pytest.mark.parametrize(
    ("version", "payload", "message"),
    [
        (3, f'{{"parcel_id": "{SECRET}"}}', "v3: uuid_parsing at parcel_id, missing at at"),
        (3, f'["{SECRET}"]', "v3: dataclass_type"),
        (2, f'{{"parcel_id": "{SECRET}"}}', "v2: uuid_parsing at parcel_id"),
        (1, f'{{"parcel_id": "{SECRET}"}}', "v1: KeyError in the upcaster from version 1"),
        (1, f'["{SECRET}"]', "v1: TypeError in the upcaster from version 1"),
        (0, f'{{"parcel_id": "{SECRET}"}}', "v0: KeyError in the upcaster from version 0"),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_quoted(
    version: int, payload: str, message: str, codec: EventCodec
) -> None:
    with pytest.raises(UnreadableEventError) as refused:
        codec.decode("post.parcel_sent", version, payload)

    assert str(refused.value) == f"post.parcel_sent {message}"
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_an_upcaster_that_fails_is_named_by_its_place_and_not_by_its_message() -> None:
    def lose(payload: dict[str, Any]) -> dict[str, Any]:
        raise ValueError(payload["to"])

    codec = EventCodec([declared(name="post.opened", version=2, upcasters={1: lose})])

    with pytest.raises(UnreadableEventError) as refused:
        codec.decode("post.opened", 1, f'{{"to": "{SECRET}"}}')

    assert str(refused.value) == "post.opened v1: ValueError in the upcaster from version 1"
    assert traceback.extract_tb(refused.value.__traceback__)[-1].name == "lose"
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("rubbish", [None, [SECRET], {"parcel_id": PARCEL}, {"grams": {SECRET}}])
def test_an_upcaster_that_returns_no_payload_fails_the_event(rubbish: Any) -> None:
    opened = declared(name="post.opened", version=2, upcasters={1: lambda _: rubbish})

    with pytest.raises(UnreadableEventError) as refused:
        EventCodec([opened]).decode("post.opened", 1, "{}")

    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_two_classes_cannot_have_one_name() -> None:
    with pytest.raises(DuplicateEventError):
        EventCodec([ParcelSent, Impostor])


def test_a_class_may_be_named_twice() -> None:
    assert EventCodec([ParcelSent, ParcelSent]).event_types == {"post.parcel_sent": ParcelSent}


@pytest.mark.parametrize(
    ("version", "upcasters", "fault"),
    [
        (1, {1: upcast}, "version 1 and has an upcaster from version 1 too many"),
        (2, {}, "version 2 and has no upcaster from version 1"),
        (3, {1: upcast}, "version 3 and has no upcaster from version 2"),
        (4, {3: upcast}, "no upcaster from version 1, no upcaster from version 2"),
        (2, {0: upcast, 1: upcast}, "an upcaster from version 0 too many"),
        (3, {2: upcast, 3: upcast}, "no upcaster from version 1, an upcaster from version 3 too"),
    ],
)
def test_a_chain_with_a_link_missing_or_too_many_is_refused_at_the_start(
    version: int, upcasters: Mapping[int, Upcaster], fault: str
) -> None:
    event_type = declared(name="post.opened", version=version, upcasters=upcasters)

    with pytest.raises(BrokenUpcasterChainError, match=rf"^post\.opened is at .*{fault}"):
        EventCodec([event_type])


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({}, "Declared has no `name` of its own"),
        ({"name": 7}, "Declared has no `name` of its own"),
        ({"name": "parcel_sent"}, "'parcel_sent', which is not `<module>.<what_happened>`"),
        ({"name": "post.ParcelSent"}, "'post.ParcelSent', which is not"),
        ({"name": "app.post.parcel_sent"}, "'app.post.parcel_sent', which is not"),
        ({"name": "post.opened", "version": 0}, "post.opened has version 0; the first is 1"),
    ],
)
def test_a_class_that_does_not_say_its_name_and_version_is_refused_at_the_start(
    attributes: dict[str, Any], fault: str
) -> None:
    with pytest.raises(UndeclaredEventError, match=fault):
        EventCodec([declared(**attributes)])


def test_a_name_is_not_inherited() -> None:
    class ParcelReturned(ParcelSent):
        """Would be stored as if it were its parent."""

    with pytest.raises(UndeclaredEventError, match="ParcelReturned has no `name` of its own"):
        EventCodec([ParcelReturned])
