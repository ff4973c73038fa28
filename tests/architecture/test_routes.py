"""What holds for every route: who may call it, how it reads and answers, what surrounds it."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, get_origin

import pytest
from dependency_injector.providers import BaseSingleton, Object
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware

from app.container import compose
from app.main import create_app
from app.settings import Settings
from app.shared.api.boundary import Boundary
from app.shared.api.caller import AuthenticatedCaller
from app.shared.api.route_tree import Operation, operations
from app.shared.api.strict_json import LaxRouteError, StrictRoute, assert_strict
from app.shared.infrastructure.settings_group import SettingsGroup
from app.shared.process import Process
from tests.architecture.product import classes, is_frozen

PUBLIC = {
    "GET /.well-known/jwks.json",
    "GET /health/events",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "POST /api/v1/auth/email/change/confirm",
    "POST /api/v1/auth/email/resend",
    "POST /api/v1/auth/email/verify",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/logout",
    "POST /api/v1/auth/password/forgot",
    "POST /api/v1/auth/password/reset",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
}
"""Everything else asks who calls."""

PROBES = {"GET /health/events", "GET /health/live", "GET /health/ready", "GET /metrics"}
"""What is asked by machines beside the API, from behind the load balancer."""

FREE_FORM = {"GET /.well-known/jwks.json", *PROBES - {"GET /health/events"}}
"""What answers in a format of its own, or without a body worth a model."""


def on_a_thread(app: FastAPI) -> set[str]:
    """What the framework would run on a thread, which costs as much as the rest of a request."""
    called = [context.endpoint for context in iter_route_contexts(app.routes)]
    for operation in operations(app):
        called += [dependency.call for dependency in operation.dependencies()]
    return {str(one) for one in called if one is not None and not is_async(one)}


def is_async(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004  # the method itself, not whether there is one
    )


def is_guarded(operation: Operation) -> bool:
    return any(isinstance(one.call, AuthenticatedCaller) for one in operation.dependencies())


def test_every_endpoint_and_every_dependency_is_async(product: FastAPI) -> None:
    assert on_a_thread(product) == set()


def slow() -> None: ...


async def quick(_: Annotated[None, Depends(slow)]) -> None: ...


def test_a_dependency_that_is_not_async_is_found() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def endpoint(_: Annotated[None, Depends(quick)]) -> None: ...

    assert on_a_thread(app) == {str(slow)}


def test_every_route_but_the_public_ones_asks_who_calls(product: FastAPI) -> None:
    assert {str(one) for one in operations(product) if not is_guarded(one)} == PUBLIC


def test_every_route_of_a_module_is_versioned(product: FastAPI) -> None:
    elsewhere = {str(one) for one in operations(product) if "/api/v1/" not in str(one)}

    assert elsewhere == {"GET /.well-known/jwks.json", *PROBES}


def test_every_body_is_read_strictly(product: FastAPI) -> None:
    with_body = [one for one in operations(product) if one.takes_body]

    assert len(with_body) >= 5
    assert [str(one) for one in with_body if not isinstance(one.route, StrictRoute)] == []


def test_an_application_with_a_lax_route_is_refused() -> None:
    router = APIRouter()

    @router.post("/lax")
    async def lax(body: dict[str, Any]) -> None: ...

    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/api/v1")

    with pytest.raises(LaxRouteError, match="POST /api/v1/lax"):
        assert_strict(app)


def test_every_answer_has_a_type(product: FastAPI) -> None:
    untyped = {
        str(operation)
        for operation in operations(product)
        if operation.route.status_code != 204
        and not has_typed_answer(operation.route.response_model)
    }

    assert untyped == FREE_FORM


def has_typed_answer(model: Any) -> bool:
    kind = get_origin(model) or model  # a page of something is a page
    return isinstance(kind, type) and (issubclass(kind, BaseModel) or is_frozen(kind))


def test_the_boundary_is_the_only_middleware(product: FastAPI) -> None:
    added: list[Any] = [middleware.cls for middleware in product.user_middleware]

    assert added == [Boundary]
    assert [found for found in classes() if issubclass(found, BaseHTTPMiddleware)] == []


def test_two_applications_in_one_process_share_nothing(settings: Settings) -> None:
    one, other = create_app(settings), create_app(settings)

    assert one.state.provided.keys() == other.state.provided.keys()
    assert [
        kind.__qualname__
        for kind, built in one.state.provided.items()
        if built is other.state.provided[kind]
    ] == []
    assert one.router is not other.router


def test_two_processes_share_only_what_never_changes(settings: Settings) -> None:
    one, other = compose(settings), compose(settings)

    held, held_too = objects_of(one), objects_of(other)
    shared = [held[identity] for identity in held.keys() & held_too.keys()]
    assert [thing for thing in shared if not never_changes(thing)] == []
    assert one.bus is not other.bus
    assert one.codec is not other.codec
    assert one.dispatcher is not other.dispatcher


def objects_of(process: Process) -> dict[int, object]:
    """Everything that the containers built or were given, by its identity."""
    held = [
        provider()
        for container in (process.kernel, *process.modules)
        for provider in container.traverse(types=[BaseSingleton, Object])
    ]
    return {id(thing): thing for thing in held}


def never_changes(thing: object) -> bool:
    if thing is None or isinstance(thing, type | tuple | SettingsGroup):
        return True
    return is_frozen(type(thing))
