"""A real broker, and both ends of it as a process has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.shared.application.event_bus import StoredEvent
from app.shared.domain.ids import new_id
from app.shared.infrastructure.nats.broker import NatsJetStreamBroker
from tests.broker.nats_server import STREAM, NatsServer, StartNats

CONSUMER = "billing"
PREFIX = "events"
TYPE = "lab.number_drawn"


def event(number: int = 1, **different: Any) -> StoredEvent:
    """The `number`-th event of a series."""
    facts: dict[str, Any] = {
        "id": new_id(),
        "type": TYPE,
        "version": 1,
        "key": "series",
        "payload": f'{{"series": "series", "number": {number}}}',
        "meta": {"correlation_id": "7f3a"},
        "occurred_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    }
    return StoredEvent(**facts | different)


def broker_at(url: str, **different: Any) -> NatsJetStreamBroker:
    settings: dict[str, Any] = {
        "stream": STREAM,
        "subject_prefix": PREFIX,
        "consumer": CONSUMER,
        "timeout": 60.0,
    }
    return NatsJetStreamBroker(url, **settings | different)


@pytest.fixture
async def start_nats(tmp_path: Path) -> AsyncIterator[StartNats]:
    """`await start_nats("--user", "…")`: a server with these options, killed at the end."""
    started: list[NatsServer] = []

    async def start(*options: str) -> NatsServer:
        server = NatsServer(tmp_path, *options)
        started.append(server)
        await server.start()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
async def nats_server(start_nats: StartNats) -> NatsServer:
    return await start_nats()


@asynccontextmanager
async def opened(url: str, **different: Any) -> AsyncIterator[NatsJetStreamBroker]:
    broker = broker_at(url, **different)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


@pytest.fixture
async def broker(nats_server: NatsServer) -> AsyncIterator[NatsJetStreamBroker]:
    async with opened(nats_server.url) as broker:
        async with asyncio.timeout(60):
            await broker._connection.established()  # only then there is a stream
        yield broker
