"""The kernel's table of contents: what every module's container may ask for."""

from __future__ import annotations

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Callable, Dependency, Singleton
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import create_engine
from app.shared.application.deployment import Deployment
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.settings import DatabaseSettings, EventsSettings


def _engine(settings: DatabaseSettings) -> AsyncEngine:
    return create_engine(
        settings.url.get_secret_value(),
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout.total_seconds(),
        connect_timeout=settings.connect_timeout.total_seconds(),
    )


def _statements(settings: DatabaseSettings) -> Statements:
    return Statements(
        settings.url.get_secret_value(),
        pool_size=settings.statement_pool_size,
        pool_timeout=settings.pool_timeout.total_seconds(),
        connect_timeout=settings.connect_timeout.total_seconds(),
    )


def _reader(settings: DatabaseSettings) -> AsyncpgReader:
    return AsyncpgReader(
        settings.url.get_secret_value(),
        pool_size=settings.read_pool_size,
        pool_timeout=settings.pool_timeout.total_seconds(),
        connect_timeout=settings.connect_timeout.total_seconds(),
    )


class KernelContainer(DeclarativeContainer):
    """Built once per process; modules get it as `kernel`."""

    deployment = Dependency(instance_of=Deployment)
    database = Dependency(instance_of=DatabaseSettings)
    events = Dependency(instance_of=EventsSettings)

    engine = Singleton(_engine, database)
    statements = Singleton(_statements, database)
    reader = Singleton(_reader, database)
    clock = Singleton(DatabaseClock)
    bell = Singleton(Bell)
    event_log = Singleton(EventLog, Singleton(EventCodec, ()))
    publish = Callable(lambda event_log: event_log.publish, event_log)
    ring = Callable(lambda bell: bell.ring, bell)
