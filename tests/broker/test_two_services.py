"""A module that moved out: its handlers unchanged, in a process and a database of their own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from app.shared.infrastructure.migrating import migrate
from app.shared.infrastructure.statements import Statements
from tests.architecture.product import ROOT
from tests.broker.nats_server import NatsServer
from tests.e2e.socket.server import START_LIMIT, Running, environment, eventually, free_port
from tests.e2e.visitor import PASSWORD

TYPE = "auth.account_registered"
ACCOUNTS = "SELECT id FROM auth.account"
PROFILES = "SELECT account_id FROM users.profile"
OWED = "SELECT count(*) FROM messaging.delivery"
FAILED = "SELECT count(*) FROM messaging.delivery WHERE last_error IS NOT NULL"
SUBSCRIBERS = "SELECT subscriber FROM messaging.subscription"


class Service:
    """One of the two, as a process that can be killed and started again."""

    def __init__(self, arguments: list[str], env: Mapping[str, str], log_file: Path) -> None:
        self._arguments = arguments
        self._env = {**env, "PYTHONPATH": str(ROOT)}
        self._log_file = log_file
        self.running: Running | None = None

    def start(self) -> None:
        with self._log_file.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *self._arguments],
                env=self._env,
                cwd=self._log_file.parent,
                stdout=log,
                stderr=log,
            )
        self.running = Running(process, self._log_file)

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()

    def restart(self) -> None:
        self.kill()
        self.start()


StartService = Callable[..., Service]


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """`start_service(database_url, "uvicorn", …, BROKER_…="…")`; killed at the end."""
    started: list[Service] = []

    def start(database_url: str, *arguments: str, **settings: str) -> Service:
        env = environment(database_url, tmp_path, EVENTS_POLL="0.5", **settings)
        service = Service([*arguments], env, tmp_path / f"service-{len(started)}.log")
        started.append(service)
        service.start()
        return service

    yield start
    for service in started:
        service.kill()


@pytest.fixture
async def second_database(blank_database_url: str) -> AsyncIterator[Statements]:
    await asyncio.to_thread(migrate, blank_database_url)
    statements = Statements(blank_database_url, pool_size=2, pool_timeout=60, connect_timeout=60)
    yield statements
    await statements.close()


async def test_a_moved_subscriber_misses_nothing_whoever_is_killed(
    start_service: StartService,
    nats_server: NatsServer,
    database: str,
    blank_database_url: str,
    statements: Statements,
    second_database: Statements,
) -> None:
    port = free_port()
    auth = start_service(
        database,
        *("uvicorn", "--factory", "examples.two_services.auth_service:create_app"),
        *("--port", str(port)),
        BROKER_URL=nats_server.url,
        BROKER_RELAYS=TYPE,
        BROKER_TIMEOUT="0.2",
    )
    users = start_service(
        blank_database_url,
        "examples.two_services.users_service",
        BROKER_URL=nats_server.url,
        BROKER_CONSUMES=TYPE,
        BROKER_CONSUMER="users",
    )

    async def relay_has_failed() -> bool:
        return bool(await statements.value(FAILED))

    async def some_more_profiles() -> bool:
        return len(await second_database.rows(PROFILES)) > 65

    async def kill_the_busy_users() -> None:
        await eventually(some_more_profiles)
        users.restart()

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        await eventually(lambda: answers(client, auth), within=START_LIMIT)
        await register(client, 0)
        await nats_server.restart()
        await register(client, 1)
        nats_server.kill()
        await register(client, 2)
        await eventually(relay_has_failed)
        users.kill()
        await nats_server.start()
        await register(client, 3)
        users.start()
        await asyncio.gather(register(client, 4), kill_the_busy_users())
        auth.restart()
        await eventually(lambda: answers(client, auth), within=START_LIMIT)
        await register(client, 5)

    async def all_is_delivered() -> bool:
        owed = [await one.value(OWED) for one in (statements, second_database)]
        profiles = await second_database.rows(PROFILES)
        return (owed, len(profiles)) == ([0, 0], 120)

    await eventually(all_is_delivered, within=120)
    accounts = {row["id"] for row in await statements.rows(ACCOUNTS)}
    profiles = [row["account_id"] for row in await second_database.rows(PROFILES)]
    assert len(profiles) == 120
    assert set(profiles) == accounts
    assert await statements.rows(PROFILES) == []
    assert await subscribers(statements) == [
        "auth.follow_locale",
        "auth.send_mail",
        "auth.send_to_holder",
        "auth.send_welcome",
        "broker.relay",
    ]
    assert await subscribers(second_database) == [
        "users.create_profile",
        "users.erase_profile",
    ]


async def answers(client: httpx.AsyncClient, service: Service) -> bool:
    assert service.running is not None
    assert service.running.process.poll() is None, service.running.log()
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def register(client: httpx.AsyncClient, part: int) -> None:
    """Twenty people, at once."""
    addresses = [f"visitor-{part}-{number}@example.com" for number in range(20)]
    taken = await asyncio.gather(
        *(
            client.post("/api/v1/auth/register", json={"email": address, "password": PASSWORD})
            for address in addresses
        )
    )
    assert {answer.status_code for answer in taken} == {202}


async def subscribers(statements: Statements) -> list[str]:
    return sorted(row["subscriber"] for row in await statements.rows(SUBSCRIBERS))
