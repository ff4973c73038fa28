"""The web application of a process: its routes, and around them what every request gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app.shared.api.boundary import Boundary
from app.shared.api.documentation import install_documentation
from app.shared.api.health import health_router
from app.shared.api.inject import check_injections
from app.shared.api.problem_pages import install_problem_pages
from app.shared.api.problems import Problems, install_problem_handlers
from app.shared.api.strict_json import assert_strict
from app.shared.application.deployment import Deployment
from app.shared.process import Process


def web_app(
    process: Process,
    deployment: Deployment,
    *,
    dispatching: bool = True,
    provided: Mapping[type, object] | None = None,
) -> FastAPI:
    """Refuses to be built when a route asks for what neither a module nor `provided` has."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with process.running(dispatching=dispatching):
            yield

    app = FastAPI(
        title="Bulkhead",
        version=version("bulkhead"),
        description="A modular monolith: accounts, sessions and profiles.",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems = Problems(deployment.public_url)
    app.add_middleware(
        Boundary,
        problems=problems,
        max_body_bytes=deployment.max_body_bytes,
        request_timeout=deployment.request_timeout.total_seconds(),
    )
    install_problem_handlers(app, problems)
    app.state.provided = {**process.provided(), **(provided or {})}
    for router in (*process.routers, health_router(process.ready)):
        # Not `include_router`: a tree of routers matches every route of every branch twice.
        app.router.routes.extend(router.routes)
    install_problem_pages(app)
    if deployment.environment != "production":
        token_url = "/api/v1/auth/token" if deployment.is_development else None
        install_documentation(app, token_url=token_url)
    check_injections(app)
    assert_strict(app)
    return app
