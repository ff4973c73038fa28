"""The application of all modules: `create_app` makes one; importing this module does nothing."""

from __future__ import annotations

import structlog
from fastapi import FastAPI

from app.container import compose
from app.settings import Settings
from app.shared.infrastructure.logs import configure_logs
from app.shared.web import web_app


def create_app(settings: Settings | None = None) -> FastAPI:
    """A fresh application; two of them in one process share nothing.

    Without `settings` they are read from the environment: raises `SettingsError`.
    """
    settings = settings or Settings.load()
    if not structlog.is_configured():
        # A server that is not started by `app serve`: its logs must not show local variables.
        configure_logs(level=settings.least_logged, style=settings.log_style)
    return web_app(compose(settings), settings.deployment, dispatching=settings.events.dispatch)
