"""What administrators may not do to each other."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.modules.auth.domain.account import Account
from app.shared.domain.errors import ConflictError, NotFoundError


class AccountNotFoundError(NotFoundError):
    """No account has this id."""

    code = "account_not_found"
    detail = "There is no such account."


class LastAdministratorError(ConflictError):
    """Nobody would be left who could undo it."""

    code = "last_administrator"
    detail = "This is the last active administrator; appoint another one first."


def keep_an_administrator(administrators: Sequence[Account], leaving: UUID) -> None:
    """Raises `LastAdministratorError` when of the active administrators, who are all locked, only
    the leaving one is left."""
    if [administrator.id for administrator in administrators] == [leaving]:
        raise LastAdministratorError
