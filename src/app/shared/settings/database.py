"""Where PostgreSQL is, and how many connections a process opens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.shared.infrastructure.settings_group import Seconds, SettingsGroup

_DEFAULT_PASSWORDS = (
    "admin",
    "app",
    "changeit",
    "changeme",
    "changethis",
    "password",
    "postgres",
    "secret",
)

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
        """The most that one process has open at a time: its pools, one connection that listens,
        and one for the lock of a scheduled job."""
        return self.pool_size + self.statement_pool_size + self.read_pool_size + 2

    def risks(self) -> Mapping[str, bool]:
        url = make_url(self.url.get_secret_value())
        is_default = url.password in (None, "", url.username, *_DEFAULT_PASSWORDS)
        return {"DATABASE_URL has no password or a default one": is_default}

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
