"""Events as JSON under their stable names, and back, whatever version they were stored in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.shared.application.composition import CompositionError
from app.shared.domain.event import EVENT_NAME, Event


class UnknownEventError(Exception):
    """This process has no class for the event: a newer one must deliver it."""


class NewerEventError(Exception):
    """The event has a version that this process does not know yet: a newer one must deliver it."""


class UnreadableEventError(Exception):
    """The payload is not what its version promises, or an upcaster fails on it.

    The message says where, and repeats nothing of the payload.
    """


class DuplicateEventError(CompositionError):
    """Two classes claim one event name, so a stored event could be either."""


class UndeclaredEventError(CompositionError):
    """The class does not say by which name or version its events are stored."""


class BrokenUpcasterChainError(CompositionError):
    """Some stored version would not become the present one, or an upcaster leads to none."""


class EventCodec:
    """Encodes any event; decodes those of the types that it was given.

    Raises `DuplicateEventError`, `UndeclaredEventError` and `BrokenUpcasterChainError` when it is
    made: a process in which one of them is true of an event does not start.
    """

    def __init__(self, event_types: Iterable[type[Event]]) -> None:
        self.event_types: dict[str, type[Event]] = {}
        self._adapters: dict[type[Event], TypeAdapter[Event]] = {}
        for event_type in event_types:
            _check_declaration(event_type)
            _check_upcasters(event_type)
            if self.event_types.setdefault(event_type.name, event_type) is not event_type:
                other = self.event_types[event_type.name]
                raise DuplicateEventError(
                    f"two events are called {event_type.name}: {_place(other)} and"
                    f" {_place(event_type)}"
                )

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

        Raises `UnknownEventError`, `NewerEventError` and `UnreadableEventError`.
        """
        event_type = self.event_types.get(name)
        if event_type is None:
            raise UnknownEventError(name)
        if version > event_type.version:
            raise NewerEventError(f"{name} v{version}")
        if version < event_type.version:
            payload = _upcast(event_type, version, payload)
        try:
            return self._adapter(event_type).validate_json(payload)
        except ValidationError as error:
            raise UnreadableEventError(f"{name} v{version}: {_places(error)}") from None

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


def _place(event_type: type[Event]) -> str:
    return f"{event_type.__module__}.{event_type.__qualname__}"


def _upcast(event_type: type[Event], version: int, payload: str) -> str:
    """The payload as the present version would have stored it."""
    for earlier in range(version, event_type.version):
        try:
            payload = json.dumps(event_type.upcasters[earlier](json.loads(payload)))
        except Exception as error:
            # The place of the failure is kept; its own message may quote the payload.
            raise UnreadableEventError(
                f"{event_type.name} v{version}: {type(error).__qualname__} in the upcaster"
                f" from version {earlier}"
            ).with_traceback(error.__traceback__) from None
    return payload


def _places(error: ValidationError) -> str:
    """The fields that do not fit and why, by pydantic's names for it."""
    return ", ".join(
        f"{details['type']} at {details['loc'][0]}" if details["loc"] else details["type"]
        for details in error.errors(include_input=False, include_context=False, include_url=False)
    )


def _check_declaration(event_type: type[Event]) -> None:
    """An inherited name would change with the bases of the class, and must not."""
    name = vars(event_type).get("name")
    if not isinstance(name, str):
        raise UndeclaredEventError(f"{event_type.__qualname__} has no `name` of its own")
    if not EVENT_NAME.fullmatch(name):
        raise UndeclaredEventError(
            f"{event_type.__qualname__} is named {name!r}, which is not `<module>.<what_happened>`"
        )
    if event_type.version < 1:
        raise UndeclaredEventError(f"{name} has version {event_type.version}; the first is 1")


def _check_upcasters(event_type: type[Event]) -> None:
    needed, given = set(range(1, event_type.version)), set(event_type.upcasters)
    faults = [
        *(f"no upcaster from version {version}" for version in sorted(needed - given)),
        *(f"an upcaster from version {version} too many" for version in sorted(given - needed)),
    ]
    if faults:
        raise BrokenUpcasterChainError(
            f"{event_type.name} is at version {event_type.version} and has {', '.join(faults)}"
        )
