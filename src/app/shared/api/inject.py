"""How a route names the handler that it needs: `rotate: Inject[RotateRefreshTokenHandler]`.

What the containers built lies in `app.state.provided`, by type. For a type checker `Inject[T]` is
`T`; when FastAPI looks, it is a dependency that takes the `T` from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, FastAPI
from starlette.requests import HTTPConnection

from app.shared.api.route_tree import operations

_T = TypeVar("_T")


class UnprovidedError(Exception):
    """Routes ask for what nobody provides, so the application must not start."""


class Provided:
    """A dependency on the one object of a type."""

    def __init__(self, wanted: type) -> None:
        self.wanted = wanted

    def resolve(self, connection: HTTPConnection) -> Any:
        provided: Mapping[type, Any] = connection.app.state.provided
        return provided[self.wanted]

    async def __call__(self, connection: HTTPConnection) -> Any:
        return self.resolve(connection)


@cache
def _provided(wanted: type) -> Provided:
    """The same dependency for the same type, so that a request resolves it once."""
    return Provided(wanted)


if TYPE_CHECKING:
    Inject = Annotated[_T, Provided]
else:

    class Inject:
        """See the module."""

        def __class_getitem__(cls, wanted: type) -> Any:
            return Annotated[wanted, Depends(_provided(wanted))]


def check_injections(app: FastAPI) -> None:
    """Raise `UnprovidedError` naming each route and type that `app.state.provided` lacks."""
    provided: Mapping[type, Any] = app.state.provided
    missing = {
        f"{operation} asks for {dependency.call.wanted.__qualname__}"
        for operation in operations(app)
        for dependency in operation.dependencies()
        if isinstance(dependency.call, Provided) and dependency.call.wanted not in provided
    }
    if missing:
        raise UnprovidedError("; ".join(sorted(missing)))
