"""Whether events cross to other services, and which."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from app.shared.domain.event import EVENT_NAME
from app.shared.infrastructure.settings_group import Names, Seconds, SettingsGroup

_PREFIX = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
_NAME = r"^[A-Za-z0-9_-]+$"


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
