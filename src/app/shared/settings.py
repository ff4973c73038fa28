"""What an operator can decide about the kernel: PostgreSQL, delivery of events, the broker."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.shared.domain.event import EVENT_NAME
from app.shared.infrastructure.settings_group import Seconds, SettingsGroup

_PREFIX = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
_NAME = r"^[A-Za-z0-9_-]+$"


def _as_names(value: Any) -> Any:
    """Names with commas between them."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_as_names)]

DEFAULT_DATABASE_URL = "postgresql://app:app@127.0.0.1:5432/app"


class DatabaseSettings(SettingsGroup):
    """PostgreSQL and the pools on it; every process has all three."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: Annotated[
        SecretStr, Field(description="A PostgreSQL of version 14 or newer, or DATABASE_URL_FILE.")
    ] = SecretStr(DEFAULT_DATABASE_URL)
    pool_size: Annotated[
        int, Field(description="Connections for units of work and deliveries.", ge=3)
    ] = 10
    statement_pool_size: Annotated[
        int, Field(description="Connections for single statements.", ge=1)
    ] = 5
    read_pool_size: Annotated[int, Field(description="Connections that only read.", ge=1)] = 5
    pool_timeout: Annotated[
        Seconds, Field(description="How long a request waits for a connection.", gt=timedelta(0))
    ] = timedelta(seconds=8)
    connect_timeout: Annotated[
        Seconds, Field(description="How long opening a connection may take.", gt=timedelta(0))
    ] = timedelta(seconds=2)

    @property
    def connections(self) -> int:
        """The most that one process has open at a time, the lock of a scheduled job included."""
        return self.pool_size + self.statement_pool_size + self.read_pool_size + 1

    @model_validator(mode="after")
    def _is_postgresql(self) -> DatabaseSettings:
        try:
            backend = make_url(self.url.get_secret_value()).get_backend_name()
        except (ArgumentError, ValueError):
            # A message of theirs quotes what may be a piece of the password.
            raise ValueError("DATABASE_URL is not a URL") from None
        if backend not in ("postgresql", "postgres"):
            raise ValueError("DATABASE_URL is not a postgresql:// URL")
        return self


class EventsSettings(SettingsGroup):
    """Delivery of events."""

    model_config = SettingsConfigDict(env_prefix="EVENTS_")

    dispatch: Annotated[
        bool, Field(description="Whether `app serve` delivers events beside its requests.")
    ] = True
    concurrency: Annotated[int, Field(description="Deliveries at once in a process.", ge=1)] = 4
    poll: Annotated[
        Seconds,
        # With the lease of four seconds: what a dead process had taken runs again within ten.
        Field(
            description="The longest pause between two looks at what is owed.",
            gt=timedelta(0),
            le=timedelta(seconds=5),
        ),
    ] = timedelta(seconds=5)
    retention: Annotated[
        Seconds,
        Field(description="How long an event is kept once it is owed to nobody.", gt=timedelta(0)),
    ] = timedelta(days=30)


class BrokerSettings(SettingsGroup):
    """Events from and to other services, by NATS JetStream; nothing of it without a URL."""

    model_config = SettingsConfigDict(env_prefix="BROKER_")

    url: Annotated[
        SecretStr | None,
        Field(description="nats:// or tls://, several servers with commas between them."),
    ] = None
    stream: Annotated[
        str, Field(description="The stream; made with no limits if there is none.", pattern=_NAME)
    ] = "events"
    subject_prefix: Annotated[
        str, Field(description="An event's subject is this, a dot and its type.", pattern=_PREFIX)
    ] = "events"
    relays: Annotated[Names, Field(description="Types of events that go out, with commas.")] = ()
    consumes: Annotated[Names, Field(description="Types of events that come in, with commas.")] = ()
    consumer: Annotated[
        str | None,
        Field(description="This service's name at the broker, its own for ever.", pattern=_NAME),
    ] = None
    timeout: Annotated[
        Seconds, Field(description="How long the broker may take to store.", gt=timedelta(0))
    ] = timedelta(seconds=5)

    @model_validator(mode="after")
    def _is_coherent(self) -> BrokerSettings:
        types = (*self.relays, *self.consumes)
        problems = []
        if not all(EVENT_NAME.fullmatch(name) for name in types):
            problems.append("BROKER_RELAYS or BROKER_CONSUMES is not of types of events")
        if not set(self.relays).isdisjoint(self.consumes):
            problems.append(
                "BROKER_RELAYS and BROKER_CONSUMES share a type, which would go in circles"
            )
        if self.consumes and self.consumer is None:
            problems.append("BROKER_CONSUMER is not set: BROKER_CONSUMES needs it")
        if types and self.url is None:
            problems.append("BROKER_URL is not set: BROKER_RELAYS and BROKER_CONSUMES need it")
        if self.url is not None:
            problems += _unusable(self.url.get_secret_value())
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _unusable(url: str) -> list[str]:
    """Says nothing of the URL itself: it may hold credentials."""
    try:
        parts = [urlsplit(server) for server in url.split(",")]
        usable = all(part.scheme in ("nats", "tls") and part.hostname for part in parts)
        # Reading a port that is none is what raises.
        problems = [] if usable and all(part.port != 0 for part in parts) else ["no nats:// URL"]
    except ValueError:
        problems = ["no URL"]
    try:
        import nats  # noqa: F401  # an extra, which nobody else needs
    except ImportError:
        problems.append("without its client: install the extra `nats`")
    return [f"BROKER_URL is {problem}" for problem in problems]
