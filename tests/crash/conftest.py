"""Processes of the product with the laboratory in them, started to die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.database import asyncpg_dsn
from app.shared.infrastructure.fail_points import VARIABLE
from app.shared.infrastructure.statements import Statements
from tests.crash.books import Books
from tests.crash.laboratory import EFFECT_SECONDS, SCHEMA
from tests.crash.nursery import Place
from tests.e2e.socket.server import environment, free_port


@dataclass
class Stage:
    """One database, processes on it that live and die, and their clients."""

    database: str
    folder: Path
    port: int = field(default_factory=free_port)
    """Where a server is found again after its death."""
    places: list[Place] = field(default_factory=list)
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    effect_seconds: float = 60
    """No machine halts for so long; nor does a test wait, who lets the leases run out itself."""

    def run(self, *arguments: str, dies_at: str = "") -> Place:
        """One of the product's commands; `dies_at` is a fail point."""
        laboratory = {VARIABLE: dies_at, EFFECT_SECONDS: f"{self.effect_seconds}"}
        env = environment(self.database, self.folder, EVENTS_POLL="0.3", **laboratory)
        log_file = self.folder / f"{len(self.places)}-{arguments[0]}.log"
        self.places.append(Place(arguments, env, log_file))
        return self.places[-1]

    def serve(self, *options: str, dies_at: str = "") -> Place:
        return self.run("serve", "--port", str(self.port), *options, dies_at=dies_at)

    def client(self, port: int | None = None) -> httpx.AsyncClient:
        url = f"http://127.0.0.1:{port or self.port}"
        client = httpx.AsyncClient(base_url=url, timeout=60)
        self.clients.append(client)
        return client

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """The reaction that notes steps does not come to its end inside."""
        connection = await asyncpg.connect(asyncpg_dsn(self.database))
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE crash.noted IN SHARE MODE")
                yield
        finally:
            await connection.close()

    async def clear(self) -> None:
        for client in self.clients:
            await client.aclose()
        for place in self.places:
            place.kill()


@pytest.fixture(scope="package", autouse=True)
async def laboratory(database_url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(asyncpg_dsn(database_url))
    await connection.execute(SCHEMA)
    yield
    await connection.execute("DROP SCHEMA crash CASCADE")
    await connection.close()


@pytest.fixture
async def stage(database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(database, tmp_path)
    yield stage
    await stage.clear()


@pytest.fixture
def books(statements: Statements) -> Books:
    return Books(statements)
