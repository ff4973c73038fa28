"""The web applications of a process: routes, and around them what every request gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.types import Lifespan

from app.shared.api.access import check_access
from app.shared.api.boundary import Boundary
from app.shared.api.documentation import install_documentation
from app.shared.api.event_metrics import EventMetrics
from app.shared.api.health import health_router
from app.shared.api.inject import check_injections
from app.shared.api.mailbox import install_mailbox
from app.shared.api.metrics import metrics_router
from app.shared.api.problem_pages import install_problem_pages
from app.shared.api.problems import Problems, install_problem_handlers
from app.shared.api.request_metrics import RequestMetrics
from app.shared.api.shortcut import Shortcut
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

    app = _app(process, deployment, process.routers, lifespan)
    app.state.provided = {**process.provided(), **(provided or {})}
    install_problem_pages(app)
    if deployment.environment != "production":
        token_url = "/api/v1/auth/token" if deployment.is_development else None
        install_documentation(app, token_url=token_url)
    if deployment.is_development:
        install_mailbox(app, process.kernel.mailbox(), process.mail_previews)
    check_injections(app)
    check_access(app)
    assert_strict(app)
    return app


def probes_app(process: Process, deployment: Deployment) -> FastAPI:
    """Health and metrics alone, beside a process that runs already and serves nothing else."""
    return _app(process, deployment, [])


def _app(
    process: Process,
    deployment: Deployment,
    routers: Sequence[APIRouter],
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
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
    requests = RequestMetrics()
    app.add_middleware(Boundary, problems=problems, deployment=deployment, observe=requests.observe)
    install_problem_handlers(app, problems)
    events = EventMetrics(
        process.bus.subscribers,
        process.dispatcher.outcomes,
        lambda: process.dispatcher.alive,
        process.backlog,
    )
    registry = process.kernel.metrics()
    registry.register(requests)
    registry.register(events)
    health = health_router(process.ready, process.backlog)
    app.router.routes.append(Shortcut(app))
    for router in (*routers, health, metrics_router(registry, events.refresh)):
        # Not `include_router`: a tree of routers matches every route of every branch twice.
        app.router.routes.extend(router.routes)
    return app
