"""How a module's container makes its use cases: collaborators by the names of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from dependency_injector.providers import Provider, Singleton

from app.shared.application.composition import CompositionError

Ports = Mapping[str, Provider[Any]]
"""What the use cases of a module may ask for, by the names of their fields."""


class UnwiredUseCaseError(CompositionError):
    """A use case asks for a collaborator that its module does not have under that name."""


def use_case(handler: type[Any], ports: Ports) -> Singleton[Any]:
    """The one handler of a use case. A collaborator has one name in the whole module.

    Raises `UnwiredUseCaseError`, naming every field that has neither a port nor a default.
    """
    asked = {field.name: field for field in fields(handler)}
    missing = [
        name
        for name, field in asked.items()
        if name not in ports and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise UnwiredUseCaseError(f"{handler.__qualname__} asks for {', '.join(missing)}")
    return Singleton(handler, **{name: ports[name] for name in asked if name in ports})
