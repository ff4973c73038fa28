"""Who may run a use case: said once, beside the use case, and asked before it runs."""

from __future__ import annotations

from dataclasses import dataclass

from app.shared.application.principal import Principal
from app.shared.domain.errors import ForbiddenError

ADMIN = "admin"
"""The role that may see and change what belongs to others."""


class AccessForbiddenError(ForbiddenError):
    """The caller is known and may not do this."""

    code = "forbidden"
    detail = "You may not do this."


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The authorization policy of one use case, its handler's class attribute `access`.

    Where `identified`, the use case's message has a `caller`, and `@handler` asks `refuse` before
    anything else happens.
    """

    identified: bool = True
    """Whether it has to be known who calls."""
    routed: bool = True
    """Whether it may be reached over HTTP at all."""
    role: str | None = None
    """What the caller's account has to be beyond an account."""
    scope: str | None = None
    """What an API key has to be good for; None where no API key will do."""
    fresh: bool = False
    """Whether the caller's token must have been checked against the database for this request."""

    def refuse(self, caller: Principal) -> None:
        """Raises `AccessForbiddenError`, and `StaleCallerError` for a mistake in the route."""
        if self.role is not None and self.role not in caller.roles:
            raise AccessForbiddenError
        if caller.scopes is not None and self.scope not in caller.scopes:
            raise AccessForbiddenError
        if self.fresh and not caller.fresh:
            raise StaleCallerError


class StaleCallerError(Exception):
    """A route took its caller from memory for a use case that asks for a fresh look."""


ANYONE = Access(identified=False)
"""Whoever can reach the service: what a stranger does to become somebody."""
OPERATOR = Access(identified=False, routed=False)
"""The command line and scheduled jobs; no route leads there."""


def accounts(*, scope: str | None = None, fresh: bool = False) -> Access:
    """Every account, on what is its own."""
    return Access(scope=scope, fresh=fresh)


def admins(*, scope: str | None = None) -> Access:
    """Administrators alone, as the database knows them now."""
    return Access(role=ADMIN, scope=scope, fresh=True)


class Scopes:
    """What API keys can be good for: the scopes that the use cases of all modules name."""

    def __init__(self) -> None:
        self.known: frozenset[str] = frozenset()
        """Complete as soon as the process is composed."""
