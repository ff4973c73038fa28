"""The routes of an application as they are served; FastAPI keeps them as a tree of routers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts


@dataclass(frozen=True, slots=True)
class Operation:
    """One route of the API under the prefix and with the dependencies of the routers around it."""

    context: RouteContext
    route: APIRoute

    def __str__(self) -> str:
        return f"{'/'.join(sorted(self.context.methods or ()))} {self.context.path}"

    @property
    def takes_body(self) -> bool:
        return self.context.body_field is not None

    @property
    def takes_form(self) -> bool:
        body = self.context.body_field
        return body is not None and isinstance(body.field_info, params.Form)

    @property
    def takes_parameters(self) -> bool:
        """Whether something in the path, the query or a header may fail to fit."""
        return any(
            one.path_params or one.query_params or one.header_params
            for one in (self.context.dependant, *self.dependencies())
        )

    def dependencies(self) -> Iterator[Dependant]:
        """Everything that FastAPI calls before the route's function, at any depth."""
        waiting: list[Dependant] = [self.context.dependant]
        while waiting:
            dependant = waiting.pop()
            yield from dependant.dependencies
            waiting.extend(dependant.dependencies)


def operation_id(route: APIRoute) -> str:
    """The name of the route's function: what a generated client calls it, so it never changes."""
    return route.name


def operations(app: FastAPI) -> Iterator[Operation]:
    """Every API route; mounted applications and plain Starlette routes are not among them."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield Operation(context, context.original_route)


def path_templates(app: FastAPI) -> dict[object, str]:
    """The path, with its parameters in braces, under which an endpoint is served."""
    return {
        context.endpoint: context.path_format
        for context in iter_route_contexts(app.routes)
        if context.endpoint is not None and context.path_format is not None
    }


def methods_at(app: FastAPI, path: str) -> list[str]:
    """What may be asked of a path by all of its routes together (RFC 9110 §10.2.1)."""
    found: set[str] = set()
    for context in iter_route_contexts(app.routes):
        if context.methods and context.path_regex.match(path):
            found |= context.methods
    if "GET" in found:
        # The boundary answers it for every route.
        found.add("HEAD")
    return sorted(found)
