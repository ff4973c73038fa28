"""What runs for as long as the process does: the modules, gathered, started and stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from dependency_injector.containers import Container
from dependency_injector.providers import BaseSingleton
from fastapi import APIRouter

from app.shared.application.backlog import SubscriberLag
from app.shared.application.event_bus import EventBus
from app.shared.application.mailer import MailPreview
from app.shared.infrastructure.farewell import at_farewell
from app.shared.infrastructure.glance import Glance
from app.shared.infrastructure.messaging.backlog import lag
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.last_delivered import LastDelivered
from app.shared.infrastructure.messaging.log import register_subscriptions
from app.shared.infrastructure.periodic import Beside, Periodic
from app.shared.infrastructure.scheduling.scheduler import Scheduler

COUNTED = 100_000
"""Deliveries of a kind and subscriber that are counted for the health page and the metrics."""


class Process:
    """The kernel and the modules as one running thing.

    A module's container may offer `routers`, `events` (the classes), `subscribers`, `jobs`,
    `periodic` (what runs beside the requests), `provides` (objects by other types than their own),
    `mail_previews`, `personal_data` (by the name of the section) and `closing` (async functions for
    the end); what it does not offer it does not have.
    """

    def __init__(self, kernel: Any, modules: Sequence[Container]) -> None:
        self.kernel = kernel
        self.modules = modules
        self.routers: list[APIRouter] = self._gather("routers")
        self.bridge = kernel.bridge()
        self.bus = event_bus(kernel, modules)
        self.codec = EventCodec({*self._gather("events"), *self.bus.events})
        self.periodic: list[Beside] = self._gather("periodic")
        self.scheduler = Scheduler(
            [*kernel.jobs(), *self._gather("jobs")], kernel.stored_jobs(), kernel.single_flight()
        )
        kernel.scopes().known = frozenset(scopes_of(modules))
        kernel.exports().gather(_offered(modules, "personal_data"))
        self.dispatcher = Dispatcher(
            kernel.engine(),
            self.bus,
            self.codec,
            kernel.event_log(),
            kernel.bell(),
            concurrency=kernel.events().concurrency,
            poll=kernel.events().poll.total_seconds(),
        )
        self._retiring: asyncio.Task[None] | None = None
        self.backlog: Glance[Sequence[SubscriberLag]] = Glance(self._lag, seconds=1)
        last_delivered = LastDelivered(kernel.statements(), self.dispatcher.last_delivered)
        self.periodic.append(
            Periodic(name="last deliveries", seconds=5, work=last_delivered.note, at_the_end=True)
        )

    def mail_previews(self) -> list[MailPreview]:
        """Every mail that a module may send, in every language."""
        return self._gather("mail_previews")

    def provided(self) -> dict[type, object]:
        """Every singleton of the modules by its type, and by the types named in `provides`."""
        objects: dict[type, object] = {}
        for module in self.modules:
            for provider in module.providers.values():
                if isinstance(provider, BaseSingleton):
                    built = provider()
                    objects[type(built)] = built
            if "provides" in module.providers:
                objects |= module.providers["provides"]()
        return objects

    async def ready(self) -> None:
        """Raises `UnavailableError` while the database is out of reach."""
        # By the read pool: no statement on it ever waits for a lock of another.
        await self.kernel.reader().value("select 1")

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Use the modules inside, with nothing running; at the end close every connection."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.kernel.engine().dispose)
            stack.push_async_callback(self.kernel.statements().close)
            stack.push_async_callback(self.kernel.reader().close)
            for close in self._gather("closing"):
                stack.push_async_callback(close)
            yield

    @asynccontextmanager
    async def running(self, *, dispatching: bool = True) -> AsyncIterator[None]:
        """Serve inside; at the end stop in the reverse order and close every connection."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.connected())
            await register_subscriptions(self.kernel.statements(), self.bus)
            for periodic in self.periodic:
                await periodic.start()
                stack.push_async_callback(periodic.stop)
            if dispatching and self.bridge:
                self.bridge.doubt(self.codec.event_types)
                await self.bridge.start()
                stack.push_async_callback(self.bridge.stop)
            if dispatching:
                self.dispatcher.start()
                stack.push_async_callback(self.dispatcher.stop)
                await self.scheduler.start()
                stack.push_async_callback(self.scheduler.stop)
            with at_farewell(self._retire):
                yield

    def _retire(self) -> None:
        """Take on no more deliveries, while the requests that have begun are answered."""
        self._retiring = asyncio.create_task(self.dispatcher.stop())

    async def _lag(self) -> Sequence[SubscriberLag]:
        return await lag(self.kernel.reader(), counted=COUNTED)

    def _gather(self, name: str) -> list[Any]:
        return _gathered(self.modules, name)


def event_bus(kernel: Any, modules: Sequence[Container]) -> EventBus:
    """The subscribers of these modules, and the relay where there is a broker."""
    bridge = kernel.bridge()
    relay = bridge.subscribers if bridge else ()
    return EventBus([*_gathered(modules, "subscribers"), *relay])


def scopes_of(modules: Sequence[Container]) -> set[str]:
    """Everything that an API key can be good for in these modules."""
    accesses = (
        getattr(provider.provides, "access", None)
        for module in modules
        for provider in module.providers.values()
        if isinstance(provider, BaseSingleton)
    )
    return {access.scope for access in accesses if access and access.scope}


def _gathered(modules: Sequence[Container], name: str) -> list[Any]:
    return [item for offered in _offered(modules, name) for item in offered]


def _offered(modules: Sequence[Container], name: str) -> list[Any]:
    """What each module that offers something under this name offers."""
    return [module.providers[name]() for module in modules if name in module.providers]
