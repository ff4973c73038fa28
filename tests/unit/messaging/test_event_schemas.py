"""What the gate of the events' schemas lets through, what it stops, and what it says then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import pytest

from app.shared.domain.event import Event, Upcaster
from app.shared.infrastructure.messaging.codec import EventCodec
from tools.event_schemas import canonical, objections, write


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelSent(Event):
    name: ClassVar[str] = "post.parcel_sent"

    parcel_id: UUID
    pounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithNote(ParcelSent):
    name: ClassVar[str] = "post.parcel_sent"

    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InGrams(Event):
    name: ClassVar[str] = "post.parcel_sent"

    parcel_id: UUID
    grams: int


def weigh_in_grams(payload: dict[str, Any]) -> dict[str, Any]:
    return {"parcel_id": payload["parcel_id"], "grams": payload["pounds"] * 454}


@dataclass(frozen=True, slots=True, kw_only=True)
class Second(InGrams):
    name: ClassVar[str] = "post.parcel_sent"
    version: ClassVar[int] = 2
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: weigh_in_grams}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetful(InGrams):
    name: ClassVar[str] = "post.parcel_sent"
    version: ClassVar[int] = 2
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: lambda payload: payload}


@dataclass(frozen=True, slots=True, kw_only=True)
class Third(Second):
    name: ClassVar[str] = "post.parcel_sent"
    version: ClassVar[int] = 3
    upcasters: ClassVar[Mapping[int, Upcaster]] = {1: weigh_in_grams, 2: dict}


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    sku: str
    pieces: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EverythingSaid(Event):
    """A field of each kind that a first sample is drafted for."""

    name: ClassVar[str] = "post.everything_said"

    id: UUID
    at: datetime
    day: date
    hour: time
    took: timedelta
    price: Decimal
    weight: float
    urgent: bool
    lines: tuple[Line, ...]
    place: tuple[int, str]
    colour: Colour
    size: Literal["small", "large"]
    stock: dict[str, Line]
    note: str | None
    reply_to: UUID | None = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is committed once the first version of the parcel was deployed."""
    write(EventCodec([ParcelSent]), tmp_path)
    return tmp_path


def test_a_new_event_is_asked_for_then_written_with_a_sample_and_then_good(tmp_path: Path) -> None:
    codec = EventCodec([EverythingSaid])

    [asked] = objections(codec, tmp_path)
    written = write(codec, tmp_path)

    assert asked.startswith("post.everything_said.v1 has no committed schema and no sample.")
    assert "Run `make event-schemas`" in asked
    assert [file.name for file in written] == [
        "post.everything_said.v1.schema.json",
        "post.everything_said.v1.sample.json",
    ]
    assert objections(codec, tmp_path) == []
    assert write(codec, tmp_path) == []


def test_an_added_field_with_a_default_is_asked_for_and_accepted_by_the_command(
    folder: Path,
) -> None:
    codec = EventCodec([WithNote])
    sample = (folder / "post.parcel_sent.v1.sample.json").read_text("utf-8")

    [asked] = objections(codec, folder)
    written = write(codec, folder)

    assert "was added to, which its version allows" in asked
    assert '+    "note": {' in asked
    assert "Run `make event-schemas`" in asked
    assert [file.name for file in written] == ["post.parcel_sent.v1.schema.json"]
    assert (folder / "post.parcel_sent.v1.sample.json").read_text("utf-8") == sample
    assert objections(codec, folder) == []


def test_a_breaking_change_is_shown_with_its_way_out_and_never_written(folder: Path) -> None:
    codec = EventCodec([InGrams])
    before = contents(folder)

    written = write(codec, folder)

    shown, unreadable = objections(codec, folder)
    assert written == []
    assert contents(folder) == before
    assert "`pounds` is gone, `grams` is required." in shown
    assert "raise the `version` of InGrams to 2" in shown
    assert "give its `upcasters` a function under 1" in shown
    assert "run `make event-schemas`" in shown
    assert '-    "pounds": {' in shown
    assert '+    "grams": {' in shown
    assert "post.parcel_sent.v1.sample.json is not read any more" in unreadable
    assert "missing at grams" in unreadable


def test_a_raised_version_with_its_upcaster_is_written_beside_the_earlier_one(
    folder: Path,
) -> None:
    codec = EventCodec([Second])
    before = contents(folder)

    [asked] = objections(codec, folder)
    write(codec, folder)

    assert asked.startswith("post.parcel_sent.v2 has no committed schema")
    assert contents(folder).items() > before.items()
    assert objections(codec, folder) == []


def test_an_upcaster_that_does_not_lead_to_the_next_version_is_found(folder: Path) -> None:
    codec = EventCodec([Forgetful])
    write(codec, folder)

    [found] = objections(codec, folder)

    assert found.startswith("post.parcel_sent.v1.sample.json is not read any more")


@pytest.mark.parametrize("gone", ["schema", "sample"])
def test_what_was_committed_for_an_earlier_version_stays(gone: str, folder: Path) -> None:
    codec = EventCodec([Second])
    write(codec, folder)
    (folder / f"post.parcel_sent.v1.{gone}.json").unlink()

    [found] = objections(codec, folder)

    assert found.startswith(f"post.parcel_sent.v1 has no committed {gone}, and events of it may")


def test_a_version_that_skips_one_is_found(folder: Path) -> None:
    codec = EventCodec([Third])
    write(codec, folder)

    [found] = objections(codec, folder)

    assert found.startswith("post.parcel_sent.v2 has no committed schema and no sample")
    assert "raised by one at a time" in found


def test_a_version_that_falls_is_found(folder: Path) -> None:
    write(EventCodec([Second]), folder)

    [found] = objections(EventCodec([ParcelSent]), folder)

    assert found.startswith("post.parcel_sent.v2 is committed, and ParcelSent is at version 1")


def test_an_event_whose_class_was_deleted_is_found_once(folder: Path) -> None:
    [found] = objections(EventCodec([]), folder)

    assert found.startswith("post.parcel_sent.v1 is committed, and no module has an event of")
    assert "until nothing is owed" in found


def test_a_missing_sample_is_drafted_again(folder: Path) -> None:
    codec = EventCodec([ParcelSent])
    (folder / "post.parcel_sent.v1.sample.json").unlink()

    [asked] = objections(codec, folder)
    write(codec, folder)

    assert asked.startswith("post.parcel_sent.v1 has no committed sample.")
    assert objections(codec, folder) == []


@pytest.mark.parametrize(
    ("sample", "fault"),
    [
        ({"parcel_id": "not an id", "pounds": 1}, "'not an id' is not a 'uuid' at $.parcel_id"),
        ({"parcel_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "'pounds' is a required property"),
    ],
)
def test_a_sample_that_is_not_of_its_schema_is_found(
    sample: dict[str, Any], fault: str, folder: Path
) -> None:
    (folder / "post.parcel_sent.v1.sample.json").write_text(canonical(sample))

    misfit, _ = objections(EventCodec([ParcelSent]), folder)

    assert misfit.startswith("post.parcel_sent.v1.sample.json does not fit its schema")
    assert fault in misfit


def test_a_file_that_is_neither_schema_nor_sample_is_found(folder: Path) -> None:
    (folder / "post.parcel_sent.v0.schema.json").write_text("{}")

    [found] = objections(EventCodec([ParcelSent]), folder)

    assert found.startswith("post.parcel_sent.v0.schema.json is neither")


def contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in folder.iterdir()}
