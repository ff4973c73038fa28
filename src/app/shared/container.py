"""The kernel's table of contents: what every module's container may ask for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Callable, Dependency, List, Singleton
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import create_engine
from app.shared.application.authorization import Scopes
from app.shared.application.broker import Broker
from app.shared.application.deployment import Deployment
from app.shared.application.mailer import Mailer
from app.shared.application.personal_data import Exports
from app.shared.application.schedule import Job
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.idempotency.forgetting import forget_requests
from app.shared.infrastructure.listening import ListenTo, PostgresListener
from app.shared.infrastructure.mail.folder_mailer import FolderMailbox, FolderMailer
from app.shared.infrastructure.mail.smtp_mailer import SmtpMailer
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.bridge import Bridge
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.log import EventLog
from app.shared.infrastructure.messaging.purging import purge
from app.shared.infrastructure.scheduling.single_flight import SingleFlight
from app.shared.infrastructure.scheduling.stored_jobs import StoredJobs
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from app.shared.settings import BrokerSettings, DatabaseSettings, EventsSettings, MailSettings


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


def _single_flight(settings: DatabaseSettings) -> SingleFlight:
    return SingleFlight(
        settings.url.get_secret_value(),
        connect_timeout=settings.connect_timeout.total_seconds(),
    )


def _listener(settings: DatabaseSettings) -> ListenTo:
    return partial(
        PostgresListener,
        settings.url.get_secret_value(),
        connect_timeout=settings.connect_timeout.total_seconds(),
    )


def _broker(settings: BrokerSettings) -> Broker | None:
    if settings.url is None:
        return None
    # Here and not above: it needs the extra, and who has no broker need not have that.
    from app.shared.infrastructure.nats.broker import NatsJetStreamBroker

    return NatsJetStreamBroker(
        settings.url.get_secret_value(),
        stream=settings.stream,
        subject_prefix=settings.subject_prefix,
        consumer=settings.consumer,
        timeout=settings.timeout.total_seconds(),
    )


def _bridge(
    settings: BrokerSettings,
    broker: Broker | None,
    event_log: EventLog,
    statements: Statements,
    bell: Bell,
) -> Bridge | None:
    if broker is None:
        return None
    return Bridge(
        broker,
        event_log,
        statements,
        bell.ring,
        relays=settings.relays,
        consumes=settings.consumes,
        timeout=settings.timeout,
    )


def _mail_folder(deployment: Deployment) -> Path:
    return deployment.data_dir / "mail"


def _mailer(settings: MailSettings, folder: Path) -> Mailer:
    if settings.url is None:
        return FolderMailer(folder, settings.sender)
    return SmtpMailer(
        settings.url,
        settings.sender,
        timeout=settings.timeout.total_seconds(),
        connections=settings.connections,
        ca=settings.ca,
    )


def _purge_events(statements: Statements, settings: EventsSettings) -> Job:
    async def work() -> int:
        return await purge(statements, older_than=settings.retention)

    return Job(
        name="messaging.purge_events",
        every=timedelta(hours=1),
        work=work,
        timeout=timedelta(minutes=30),
    )


def _forget_requests(statements: Statements) -> Job:
    async def work() -> int:
        return await forget_requests(statements)

    return Job(name="http.forget_requests", every=timedelta(hours=1), work=work)


class KernelContainer(DeclarativeContainer):
    """Built once per process; modules get it as `kernel`."""

    deployment = Dependency(instance_of=Deployment)
    database = Dependency(instance_of=DatabaseSettings)
    events = Dependency(instance_of=EventsSettings)
    broker_settings = Dependency(instance_of=BrokerSettings)
    mail_settings = Dependency(instance_of=MailSettings)

    engine = Singleton(_engine, database)
    statements = Singleton(_statements, database)
    reader = Singleton(_reader, database)
    clock = Singleton(DatabaseClock)
    scopes = Singleton(Scopes)
    exports = Singleton(Exports)
    listener = Callable(_listener, database)
    single_flight = Singleton(_single_flight, database)
    stored_jobs = Singleton(StoredJobs, statements)
    jobs = List(
        Singleton(_purge_events, statements, events), Singleton(_forget_requests, statements)
    )
    bell = Singleton(Bell)
    metrics = Singleton(CollectorRegistry)
    event_log = Singleton(EventLog, Singleton(EventCodec, ()))
    publish = Callable(lambda event_log: event_log.publish, event_log)
    ring = Callable(lambda bell: bell.ring, bell)
    mail_folder = Callable(_mail_folder, deployment)
    mailer = Singleton(_mailer, mail_settings, mail_folder)
    mailbox = Singleton(FolderMailbox, mail_folder)
    broker = Singleton(_broker, broker_settings)
    bridge = Singleton(_bridge, broker_settings, broker, event_log, statements, bell)
