"""Events as JSON under their stable names, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter

from app.shared.domain.event import Event


class UnknownEventError(Exception):
    """This process has no class for the event: a newer one must deliver it."""


class NewerEventError(Exception):
    """The event has a version that this process does not know yet: a newer one must deliver it."""


class DuplicateEventError(Exception):
    """Two classes claim one event name, so a stored event could be either."""


class EventCodec:
    """Encodes any event; decodes those of the types that it was given."""

    def __init__(self, event_types: Iterable[type[Event]]) -> None:
        self.event_types: dict[str, type[Event]] = {}
        self._adapters: dict[type[Event], TypeAdapter[Event]] = {}
        for event_type in event_types:
            if self.event_types.setdefault(event_type.name, event_type) is not event_type:
                raise DuplicateEventError(event_type.name)

    def encode(self, event: Event) -> tuple[str, int, str | None, str]:
        """Name, version, key, and the payload as JSON."""
        return (
            event.name,
            event.version,
            event.key,
            self._adapter(type(event)).dump_json(event).decode(),
        )

    def decode(self, name: str, version: int, payload: str) -> Event:
        """The event behind the JSON; members that this code does not know are left out.

        Raises `UnknownEventError`, `NewerEventError`, and `pydantic.ValidationError` for a
        payload that is not of its schema.
        """
        event_type = self.event_types.get(name)
        if event_type is None:
            raise UnknownEventError(name)
        if version > event_type.version:
            raise NewerEventError(f"{name} v{version}")
        return self._adapter(event_type).validate_json(payload)

    def schemas(self) -> dict[str, dict[str, Any]]:
        """The JSON Schema of each event by `<name>.v<version>`, whatever its class is called."""
        schemas = {}
        for name, event_type in self.event_types.items():
            schema = self._adapter(event_type).json_schema(mode="serialization")
            facts = schema.keys() - {"title", "description"}
            schemas[f"{name}.v{event_type.version}"] = {fact: schema[fact] for fact in facts}
        return schemas

    def _adapter(self, event_type: type[Event]) -> TypeAdapter[Event]:
        """Made at first use: making one costs a thousand times as much as using it."""
        if event_type not in self._adapters:
            self._adapters[event_type] = TypeAdapter(event_type)
        return self._adapters[event_type]
