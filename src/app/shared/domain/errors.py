"""The tree of refusals: modules subclass a kind and give it a `code` and a `detail`.

DomainError
├── InvalidError           the input breaks a rule                      422
├── UnauthenticatedError   nobody, or nobody that we can verify         401
├── ForbiddenError         somebody, but without the right              403
├── NotFoundError          no such thing, or not for this caller        404
├── ConflictError          it contradicts what is stored                409
├── StaleError             the caller decided on an outdated version    412
├── ThrottledError         too often; try again after `retry_after`     429
└── UnavailableError       we cannot decide now; after `retry_after`    503
"""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """A refusal with a stable name. `detail` is shown to the caller, so it never holds input."""

    code: ClassVar[str]
    detail: str
    """What is wrong, for every case of the kind; an instance may say it more exactly."""
    terminal: ClassVar[bool | None] = None
    """For token errors: whether the client must forget the token and log in again."""

    def __init__(self, detail: str | None = None, *, retry_after: float | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)
        self.retry_after = retry_after
        """Seconds until another try makes sense; None where none does."""


class InvalidError(DomainError):
    """The input breaks a rule of the domain."""

    pointer: str | None = None
    """JSON pointer (RFC 6901) of the offending member of the request body; an instance may name
    another than is usual for the kind."""


class UnauthenticatedError(DomainError):
    """The caller did not prove who it is."""


class ForbiddenError(DomainError):
    """The caller is known and lacks the right."""


class NotFoundError(DomainError):
    """There is no such thing, or this caller may not know of it."""


class ConflictError(DomainError):
    """The request contradicts the present state."""


class StaleError(DomainError):
    """The caller decided on a version that is no longer the present one."""


class ThrottledError(DomainError):
    """The caller asks too often."""


class UnavailableError(DomainError):
    """Nothing was decided: a resource that the decision needs is out of reach."""
