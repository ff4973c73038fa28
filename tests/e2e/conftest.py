"""The application as a whole, on this worker's database, asked through ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.main import create_app
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.modules.auth.settings import AuthSettings
from app.settings import Settings
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.statements import Statements
from app.shared.settings import DatabaseSettings, EdgeSettings, EventsSettings, MailSettings
from tests.e2e.passing_time import StoredSessions
from tests.e2e.visitor import PUBLIC_URL, Visitor

CHEAP_HASH: dict[str, Any] = {
    "password_memory_kib": 8,
    "password_time_cost": 1,
    "password_threads": 256,
}
"""In so many threads that nobody queues: whoever does is turned away after two seconds."""

PATIENT = {"pool_timeout": timedelta(seconds=28), "connect_timeout": timedelta(seconds=28)}
REQUEST_TIMEOUT = timedelta(seconds=29)
"""Shorter than the grace; a machine that stops for a moment must not look like an outage."""

NOWHERE: dict[str, Any] = {"url": "smtp://127.0.0.1:9", "sender": "Test <test@bulkhead.example>"}
"""A mail server for where there must be one, which is always away."""

MakeSettings = Callable[..., Settings]
Serve = Callable[..., AbstractAsyncContextManager[Visitor]]


@pytest.fixture
def make_settings(database: str, tmp_path: Path) -> MakeSettings:
    """Settings of this test; groups are given as mappings: `make_settings(auth={…})`."""

    def make(
        *,
        auth: dict[str, Any] | None = None,
        events: dict[str, Any] | None = None,
        database_: dict[str, Any] | None = None,
        edge: dict[str, Any] | None = None,
        mail: dict[str, Any] | None = None,
        **values: Any,
    ) -> Settings:
        in_database: dict[str, Any] = {
            "url": SecretStr(database),
            **PATIENT,
            **(database_ or {}),
        }
        in_auth: dict[str, Any] = {"keys_dir": tmp_path / "keys", **CHEAP_HASH, **(auth or {})}
        in_app: dict[str, Any] = {
            "environment": "development",
            "public_url": PUBLIC_URL,
            "data_dir": tmp_path,
            "request_timeout": REQUEST_TIMEOUT,
            **values,
        }
        in_mail = NOWHERE if in_app["environment"] == "production" else {}
        return Settings(
            **in_app,
            database=DatabaseSettings(**in_database),
            events=EventsSettings(**(events or {})),
            edge=EdgeSettings(**(edge or {})),
            mail=MailSettings(**(in_mail if mail is None else mail)),
            auth=AuthSettings(**in_auth),
        )

    return make


@pytest.fixture
def serve(make_settings: MakeSettings) -> Serve:
    """`async with serve(auth={…}) as visitor`: a fresh application with these settings."""

    @asynccontextmanager
    async def serving(**settings: Any) -> AsyncIterator[Visitor]:
        app = create_app(make_settings(**settings))
        async with running(app), client_of(app) as client:
            yield Visitor(client)

    return serving


@pytest.fixture
async def app(make_settings: MakeSettings) -> AsyncIterator[FastAPI]:
    app = create_app(make_settings())
    async with running(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
def visitor(client: httpx.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def stored(statements: Statements) -> StoredSessions:
    return StoredSessions(statements)


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    """Keys as a production machine has them mounted."""
    folder = tmp_path / "keys"
    KeyRing.ensure(folder, DatabaseClock(), publish_ahead=timedelta(minutes=5))
    return folder


def running(app: FastAPI) -> AbstractAsyncContextManager[Any]:
    return app.router.lifespan_context(app)


def client_of(app: FastAPI, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client whose requests come from the address."""
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, timeout=60)
