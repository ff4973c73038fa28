r"""`auth` alone: it serves HTTP, and tells by the broker who registered and who left.

export DATABASE_URL=postgresql://app:app@127.0.0.1:5432/auth
alembic upgrade heads
BROKER_URL=nats://127.0.0.1:4222 BROKER_RELAYS=auth.account_registered,auth.account_deleted \
    uvicorn --factory examples.two_services.auth_service:create_app
"""

from __future__ import annotations

from fastapi import FastAPI

from app.modules.auth.container import AuthContainer
from app.settings import Settings
from app.shared.container import KernelContainer
from app.shared.infrastructure.logs import configure_logs
from app.shared.process import Process
from app.shared.web import web_app


def compose(settings: Settings) -> Process:
    kernel = KernelContainer(
        deployment=settings.deployment,
        database=settings.database,
        events=settings.events,
        broker_settings=settings.broker,
        mail_settings=settings.mail,
    )
    return Process(kernel, [AuthContainer(kernel=kernel, settings=settings.auth)])


def create_app() -> FastAPI:
    settings = Settings.load()
    configure_logs(level=settings.least_logged, style=settings.log_style)
    return web_app(compose(settings), settings.deployment, dispatching=settings.events.dispatch)
