"""The application of all modules: `create_app` makes one; importing this module does nothing."""

from __future__ import annotations

from fastapi import FastAPI

from app.container import compose
from app.settings import Settings
from app.shared.web import web_app


def create_app(settings: Settings | None = None) -> FastAPI:
    """A fresh application; two of them in one process share nothing.

    Without `settings` they are read from the environment: raises `SettingsError`.
    """
    settings = settings or Settings.load()
    return web_app(compose(settings), settings.deployment, dispatching=settings.events.dispatch)
