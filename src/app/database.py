"""The database as all of the code sees it: metadata, mapper registry, engine."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import MetaData, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import registry

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
mapper_registry = registry(metadata=metadata)


def asyncpg_dsn(url: str) -> str:
    """The URL as asyncpg itself reads it, with `?sslmode=` and whatever else libpq knows.

    Everybody who connects hands it over as it is: SQLAlchemy, given the URL, would pass its query
    on as arguments that asyncpg does not have.
    """
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


_VANISHED_AFTER = {
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""A machine that lost its power or its network closes nothing, and by default PostgreSQL keeps its
locks for two hours. So after ten seconds of silence it gives the client up."""


def server_settings(*, name: str = "app", read_only: bool = False) -> dict[str, str]:
    """What every connection tells PostgreSQL; `read_only` makes it refuse every write."""
    settings = {"application_name": name, "jit": "off", "timezone": "UTC", **_VANISHED_AFTER}
    return {**settings, "default_transaction_read_only": "on"} if read_only else settings


def create_engine(
    url: str,
    *,
    pool_size: int,
    pool_timeout: float,
    connect_timeout: float = 2.0,
    application_name: str = "app",
) -> AsyncEngine:
    """A pool of exactly `pool_size` connections at the most, opened as they are needed.

    `pool_timeout` bounds, in seconds, the wait for a free one, `connect_timeout` the opening of a
    new one.
    """

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        try:
            return await asyncpg.connect(
                asyncpg_dsn(url),
                server_settings=server_settings(name=application_name),
                timeout=connect_timeout,
                command_timeout=30,
            )
        except TimeoutError as error:
            # Nothing was asked yet, so it is nobody's slowness but the network's.
            raise ConnectionError("PostgreSQL did not answer in time") from error

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_use_lifo=True,  # few warm connections cost PostgreSQL less than many cool ones
        hide_parameters=True,  # an error that is logged must not show what was to be stored
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed_connection)
    return engine


def _replace_closed_connection(dbapi_connection: Any, *_: Any) -> None:
    """Spare the pool's ping: the driver already knows when the server closed the connection."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")
