"""Tells an outage of the database from a defect, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.shared.domain.errors import UnavailableError

_OUTAGE_CLASSES = ("08", "53", "57")
"""SQLSTATE classes: connection exception, insufficient resources, operator intervention."""


class DatabaseUnavailableError(UnavailableError):
    """PostgreSQL is out of reach, starting, stopping or full, or every connection is in use."""

    code = "database_unavailable"
    detail = "The database is out of reach; nothing was changed. Try again."


def is_outage(error: BaseException | None) -> bool:
    """Whether the error says that the database could not be asked."""
    match error:
        case None:
            return False
        case PoolTimeoutError() | OSError() | TimeoutError() | asyncpg.InterfaceError():
            return True
        case asyncpg.InternalClientError():
            # The server's farewell was read and the end of the connection not yet.
            return True
        case asyncpg.PostgresError():
            return (error.sqlstate or "").startswith(_OUTAGE_CLASSES)
        case DBAPIError():
            return error.connection_invalidated or is_outage(error.orig)
        case _:
            return is_outage(error.__cause__)


@contextmanager
def outages_as_unavailable() -> Iterator[None]:
    """Raise `DatabaseUnavailableError` in place of any error of the connection."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise DatabaseUnavailableError(retry_after=1) from error
        raise
