"""Events are stored for years: their schemas are committed, and change only with their version."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import pytest

from app.shared.domain.event import Event
from app.shared.infrastructure.messaging.codec import EventCodec
from tests.architecture.product import classes

STORED = Path(__file__).parent.parent / "data" / "events"
REMEDY = """
The schema of {name} is not what {file} holds.
- A new event, or a new field with a default: commit the text below as that file.
- A field removed, renamed or retyped: raise `version`, keep the old files, commit new ones.
{difference}
--- {file}
{text}"""


CODEC = EventCodec(kind for kind in classes("app.modules") if issubclass(kind, Event))
SCHEMAS = CODEC.schemas()
SAMPLES = sorted(STORED.glob("*.sample.json"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_the_committed_one(name: str) -> None:
    file = STORED / f"{name}.schema.json"
    text = _text(SCHEMAS[name])
    stored = file.read_text("utf-8") if file.exists() else ""

    difference = "\n".join(
        difflib.unified_diff(stored.splitlines(), text.splitlines(), "committed", "code", n=1)
    )

    assert stored == text, REMEDY.format(name=name, file=file, difference=difference, text=text)


@pytest.mark.parametrize("name", SCHEMAS)
def test_an_event_has_a_committed_sample(name: str) -> None:
    assert STORED / f"{name}.sample.json" in SAMPLES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_stored_sample_survives_the_round_trip(sample: Path) -> None:
    """Samples of every version that was ever stored stay readable."""
    name, _, version = sample.name.removesuffix(".sample.json").rpartition(".v")
    payload = sample.read_text("utf-8")

    event = CODEC.decode(name, int(version), payload)
    again_name, again_version, key, again = CODEC.encode(event)

    assert (again_name, again_version) == (name, CODEC.event_types[name].version)
    assert CODEC.decode(again_name, again_version, again) == event
    assert key is None or key
    if int(version) == again_version:
        assert json.loads(again) == json.loads(again) | json.loads(payload)


def test_every_committed_file_belongs_to_an_event() -> None:
    known = {
        f"{kind.name}.v{version}"
        for kind in CODEC.event_types.values()
        for version in range(1, kind.version + 1)
    }

    stored = {file.name.rsplit(".", 2)[0] for file in STORED.iterdir()}

    assert stored <= known


@pytest.mark.parametrize("kind", CODEC.event_types.values(), ids=lambda kind: kind.name)
def test_an_event_is_named_after_its_module(kind: type[Event]) -> None:
    assert kind.name.split(".")[0] == kind.__module__.split(".")[2]


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
