"""Events as JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

import pytest
from pydantic import ValidationError

from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.codec import (
    DuplicateEventError,
    EventCodec,
    NewerEventError,
    UnknownEventError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name: ClassVar[str] = "post.parcel_sent"
    version: ClassVar[int] = 2

    parcel_id: UUID
    at: datetime
    grams: int = 0

    @property
    def key(self) -> str:
        return str(self.parcel_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostor(Event):
    name: ClassVar[str] = "post.parcel_sent"


PARCEL = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
SENT = ParcelSent(parcel_id=PARCEL, at=datetime(2026, 1, 2, tzinfo=UTC), grams=70)


@pytest.fixture
def codec() -> EventCodec:
    return EventCodec([ParcelSent])


def test_an_event_survives_the_round_trip(codec: EventCodec) -> None:
    name, version, key, payload = codec.encode(SENT)

    assert (name, version, key) == ("post.parcel_sent", 2, str(PARCEL))
    assert codec.decode(name, version, payload) == SENT


def test_a_payload_without_a_later_field_gets_its_default(codec: EventCodec) -> None:
    payload = f'{{"parcel_id": "{PARCEL}", "at": "2026-01-02T00:00:00Z"}}'

    event = codec.decode("post.parcel_sent", 2, payload)

    assert event == ParcelSent(parcel_id=PARCEL, at=SENT.at)


def test_a_member_that_this_code_does_not_know_is_left_out(codec: EventCodec) -> None:
    payload = f'{{"parcel_id": "{PARCEL}", "at": "2026-01-02T00:00:00Z", "grams": 70, "new": 1}}'

    assert codec.decode("post.parcel_sent", 2, payload) == SENT


def test_an_event_without_a_class_is_unknown(codec: EventCodec) -> None:
    with pytest.raises(UnknownEventError):
        codec.decode("post.parcel_lost", 1, "{}")


def test_a_later_version_is_newer_and_not_guessed_at(codec: EventCodec) -> None:
    _, version, _, payload = codec.encode(SENT)

    with pytest.raises(NewerEventError):
        codec.decode("post.parcel_sent", version + 1, payload)


def test_a_payload_of_another_shape_is_refused(codec: EventCodec) -> None:
    with pytest.raises(ValidationError):
        codec.decode("post.parcel_sent", 2, '{"parcel_id": 1}')


def test_two_classes_cannot_have_one_name() -> None:
    with pytest.raises(DuplicateEventError):
        EventCodec([ParcelSent, Impostor])


def test_a_class_may_be_named_twice() -> None:
    assert EventCodec([ParcelSent, ParcelSent]).event_types == {"post.parcel_sent": ParcelSent}
