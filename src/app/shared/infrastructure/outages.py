"""Tells an outage of the database from a defect, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.shared.application.database_errors import DatabaseUnavailableError

_OUTAGES = ("08", "25006", "28", "3D", "40", "53", "55P03", "57", "58")
"""SQLSTATEs by their beginning: connection lost, read-only (a standby), login refused, database
gone, transaction rolled back (deadlock, serialization), insufficient resources, lock timeout,
operator intervention, system error. In all of them the same request may succeed in a moment."""

_INTERRUPTIONS = ("08", "25006", "28", "3D", "53", "57P", "58")
"""Those of them in which PostgreSQL was away, whatever it was asked."""


def is_outage(error: BaseException | None) -> bool:
    """Whether the error says that the database could not be asked."""
    match error:
        case None | ValueError():
            # A parameter that does not fit is an `InterfaceError` of the driver's, and a defect.
            return False
        case PoolTimeoutError() | OSError() | TimeoutError() | asyncpg.InterfaceError():
            return True
        case asyncpg.InternalClientError():
            # The server's farewell was read and the end of the connection not yet.
            return True
        case asyncpg.PostgresError():
            return (error.sqlstate or "").startswith(_OUTAGES)
        case DBAPIError():
            return error.connection_invalidated or is_outage(error.orig)
        case _:
            return is_outage(error.__cause__)


def is_interruption(error: BaseException | None) -> bool:
    """Whether it is an outage to which what was asked cannot have contributed.

    A deadlock, a lock that was not had in time or a statement that took too long may well be the
    doing of whoever asked.
    """
    match error:
        case None | TimeoutError():
            return False
        case PoolTimeoutError():
            return True
        case DBAPIError():
            return error.connection_invalidated or is_interruption(error.orig)
        case asyncpg.PostgresError():
            return (error.sqlstate or "").startswith(_INTERRUPTIONS)
        case ConnectionError() | asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return is_outage(error)  # not of just any `OSError`: a file that is missing is ours
        case _:
            return is_interruption(error.__cause__)


def is_own_interruption(error: BaseException | None) -> bool:
    """As `is_interruption`, of our own database alone: who talks to others may lose those too."""
    return isinstance(error, DatabaseUnavailableError) and is_interruption(error)


@contextmanager
def outages_as_unavailable() -> Iterator[None]:
    """Raise `DatabaseUnavailableError` in place of any error of the connection."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise DatabaseUnavailableError(retry_after=1) from error
        raise
