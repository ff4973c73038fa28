"""Every route leads to use cases that say who may run them, and asks for such a caller."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI

from app.shared.api.caller import AuthenticatedCaller
from app.shared.api.inject import Provided
from app.shared.api.route_tree import Operation, operations
from app.shared.application.authorization import Access
from app.shared.application.composition import CompositionError
from app.shared.application.handler import is_handler


class UnguardedRouteError(CompositionError):
    """A route asks less of its caller than the use case behind it, so nothing starts."""


def accesses_of(operation: Operation) -> Iterator[Access]:
    """The policies of the use cases that the route was given."""
    for wanted in _provided_to(operation):
        if (access := _access_of(wanted)) is not None:
            yield access


def check_access(app: FastAPI) -> None:
    """Raise `UnguardedRouteError` naming each route and what it lacks."""
    wrong = sorted(
        f"{operation}: {complaint}"
        for operation in operations(app)
        for complaint in _complaints(operation)
    )
    if wrong:
        raise UnguardedRouteError("; ".join(wrong))


def _complaints(operation: Operation) -> Iterator[str]:
    callers = [
        one.call for one in operation.dependencies() if isinstance(one.call, AuthenticatedCaller)
    ]
    for wanted in _provided_to(operation):
        if is_handler(wanted) and _access_of(wanted) is None:
            yield f"leads to {wanted.__name__}, which does not say who may run it"
    for access in accesses_of(operation):
        if not access.routed:
            yield "leads to a use case that no route may lead to"
        if access.identified and not callers:
            yield "does not ask who calls"
        if access.fresh and not any(caller.fresh for caller in callers):
            yield "asks for a Caller where the use case wants a FreshCaller"


def _provided_to(operation: Operation) -> Iterator[type]:
    for dependency in operation.dependencies():
        if isinstance(dependency.call, Provided):
            yield dependency.call.wanted


def _access_of(wanted: type) -> Access | None:
    access = getattr(wanted, "access", None)
    return access if isinstance(access, Access) else None
