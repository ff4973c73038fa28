"""Events are stored for years: what is committed about each version of each event holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Object

from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.codec import BrokenUpcasterChainError
from app.shared.process import Process
from tools.event_schemas import FOLDER, objections

SAMPLES = sorted(FOLDER.glob("*.sample.json"))


def test_the_schemas_and_samples_of_every_event_are_committed(process: Process) -> None:
    found = objections(process.codec)

    assert not found, "\n\n".join(["", *found])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_stored_sample_survives_the_round_trip(sample: Path, process: Process) -> None:
    """Samples of every version that was ever stored stay readable."""
    name, _, version = sample.name.removesuffix(".sample.json").rpartition(".v")
    payload = sample.read_text("utf-8")

    event = process.codec.decode(name, int(version), payload)
    again_name, again_version, key, again = process.codec.encode(event)

    assert (again_name, again_version) == (name, process.codec.event_types[name].version)
    assert process.codec.decode(again_name, again_version, again) == event
    assert key is None or key
    if int(version) == again_version:
        assert json.loads(again) == json.loads(again) | json.loads(payload)


def test_the_events_of_a_new_module_are_asked_for_without_an_edit(process: Process) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class OrderPlaced(Event):
        name: ClassVar[str] = "orders.order_placed"

    class Orders(DeclarativeContainer):
        events = Object([OrderPlaced])

    enlarged = Process(process.kernel, [*process.modules, Orders()])

    [asked] = [each for each in objections(enlarged.codec) if each.startswith("orders.")]
    assert asked.startswith("orders.order_placed.v1 has no committed schema and no sample.")


def test_a_module_whose_event_lacks_an_upcaster_stops_the_start(process: Process) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class OrderPlaced(Event):
        name: ClassVar[str] = "orders.order_placed"
        version: ClassVar[int] = 2

    class Orders(DeclarativeContainer):
        events = Object([OrderPlaced])

    with pytest.raises(BrokenUpcasterChainError, match=r"orders\.order_placed is at"):
        Process(process.kernel, [*process.modules, Orders()])
