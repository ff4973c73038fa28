"""What is an outage of the database, and what is a defect of ours."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.infrastructure.outages import (
    is_interruption,
    is_outage,
    outages_as_unavailable,
)


class _ParameterError(asyncpg.InterfaceError, ValueError):
    """As the driver's own `DataError`, which it does not export."""


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("closed"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.AdminShutdownError("stopping"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("could not serialize"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.InvalidPasswordError("changed meanwhile"),
        asyncpg.InvalidCatalogNameError("dropped"),
        asyncpg.PostgresIOError("disk"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("farewell"),
        ConnectionRefusedError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_passes_by_itself_is_an_outage(error: Exception) -> None:
    wrapped = DBAPIError("select 1", None, error)

    assert is_outage(error)
    assert is_outage(wrapped)
    with pytest.raises(DatabaseUnavailableError) as caught, outages_as_unavailable():
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UndefinedTableError("nowhere"),
        asyncpg.UniqueViolationError("twice"),
        asyncpg.NotNullViolationError("missing"),
        asyncpg.SyntaxOrAccessError("typing error"),
        _ParameterError("invalid input for query argument $1"),
        KeyError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_would_fail_again_is_a_defect(error: Exception) -> None:
    wrapped = DBAPIError("select 1", None, error)

    assert not is_outage(error)
    assert not is_outage(wrapped)
    with pytest.raises(type(error)), outages_as_unavailable():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("closed"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.AdminShutdownError("stopping"),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.DiskFullError("full"),
        asyncpg.PostgresIOError("disk"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("farewell"),
        ConnectionResetError(),
        PoolTimeoutError("every connection is in use"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_that_nobody_asked_for_is_an_interruption(error: Exception) -> None:
    wrapped = DBAPIError("select 1", None, error)

    assert is_interruption(error)
    assert is_interruption(wrapped)
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.SerializationError("could not serialize"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.UniqueViolationError("twice"),
        _ParameterError("invalid input for query argument $1"),
        TimeoutError(),
        FileNotFoundError(),
        PermissionError(),
        KeyError("ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_be_the_doing_of_whoever_asked_is_none(error: Exception) -> None:
    wrapped = DBAPIError("select 1", None, error)

    assert not is_interruption(error)
    assert not is_interruption(wrapped)


def test_an_error_is_as_much_an_interruption_as_its_cause() -> None:
    error = KeyError("ours")
    error.__cause__ = asyncpg.AdminShutdownError("stopping")

    assert is_interruption(error)
    assert not is_interruption(None)
