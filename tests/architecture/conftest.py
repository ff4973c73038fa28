"""The product, composed for tests that look at it from outside: no database, no environment."""

from __future__ import annotations

import os

import pytest
from fastapi import FastAPI

from app.container import compose
from app.main import create_app
from app.settings import Settings
from app.shared.process import Process

OURS = ("APP_", "DATABASE_", "EVENTS_", "AUTH_", "BROKER_")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The defaults, whatever the environment and `.env` say; keys are made in a folder of ours."""
    folder = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(OURS)]:
            patch.delenv(name)
        patch.setenv("APP_DATA_DIR", str(folder))
        return Settings.load()


@pytest.fixture(scope="session")
def process(settings: Settings) -> Process:
    return compose(settings)


@pytest.fixture(scope="session")
def product(settings: Settings) -> FastAPI:
    """The application in development, where it has the most routes."""
    return create_app(settings)
