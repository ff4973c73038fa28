"""One module on a real PostgreSQL, everything around it replaced, deliveries under control."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from dependency_injector.containers import Container
from fastapi import FastAPI
from pydantic import SecretStr

from app.shared.application.deployment import Deployment
from app.shared.application.idempotency import Fingerprints
from app.shared.application.principal import Authenticator, Principal
from app.shared.container import KernelContainer
from app.shared.domain.event import Event
from app.shared.infrastructure.unit_of_work import open_session
from app.shared.process import Process
from app.shared.settings import BrokerSettings, DatabaseSettings, EventsSettings, MailSettings
from app.shared.testing.caller import FakeAuthenticator
from app.shared.testing.idempotency import PlainFingerprints
from app.shared.web import web_app

PATIENCE = timedelta(minutes=1)
"""A busy machine must not look like an outage."""

_PUBLISHED = "select type, version, payload::text from messaging.event order by position"


class ModuleHarness:
    """`app` serves the module's routes; `settle` delivers; nothing happens behind the test."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._callers = FakeAuthenticator()
        self.app: FastAPI = web_app(
            process,
            process.kernel.deployment(),
            dispatching=False,
            provided={Authenticator: self._callers, Fingerprints: PlainFingerprints()},
        )

    def headers_of(self, caller: Principal) -> dict[str, str]:
        """What a request of this caller carries."""
        return {"Authorization": f"Bearer {self._callers.token_of(caller)}"}

    async def publish(self, *events: Event) -> None:
        """Let something have happened in another module."""
        async with open_session(self.process.kernel.engine()) as session:
            await self.process.kernel.event_log().publish(session, events)
            await session.commit()

    async def published(self) -> Sequence[Event]:
        """Every event in the log, oldest first."""
        rows = await self.process.kernel.statements().rows(_PUBLISHED)
        decode = self.process.codec.decode
        return [decode(row["type"], row["version"], row["payload"]) for row in rows]

    async def settle(self) -> None:
        """Deliver until nothing is owed; raises an `ExceptionGroup` of what handlers raised."""
        await self.process.dispatcher.drain()


@asynccontextmanager
async def module_harness(
    module: Callable[..., Container], database_url: str, **dependencies: Any
) -> AsyncIterator[ModuleHarness]:
    """Runs the module of this container class on a migrated database.

    `dependencies` are what its container takes beside the kernel: its settings, and fakes of the
    contracts that it consumes.
    """
    kernel = KernelContainer(
        deployment=Deployment(),
        database=DatabaseSettings(
            url=SecretStr(database_url), pool_timeout=PATIENCE, connect_timeout=PATIENCE
        ),
        events=EventsSettings(),
        broker_settings=BrokerSettings(),
        mail_settings=MailSettings(),
    )
    process = Process(kernel, [module(kernel=kernel, **dependencies)])
    async with process.running(dispatching=False):
        yield ModuleHarness(process)
