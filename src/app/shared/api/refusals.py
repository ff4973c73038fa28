"""Which refusals a route can answer with: what it says itself, and what follows from its shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from app.shared.api.access import accesses_of
from app.shared.api.caller import AuthenticatedCaller, Bearer
from app.shared.api.errors import (
    AmbiguousCredentialsError,
    BadRequestError,
    BearerMalformedError,
    BodyTooLargeError,
    CredentialsMissingError,
    HeadersTooLargeError,
    HostUnknownError,
    InternalError,
    MalformedBodyError,
    MalformedPreconditionError,
    PreconditionRequiredError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
    UriTooLongError,
    ValidationFailedError,
    status_of,
)
from app.shared.api.etag import versions_in
from app.shared.api.idempotency import IdempotencyKeyMalformedError, IdempotentRequest
from app.shared.api.route_tree import Operation
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.database_errors import DatabaseUnavailableError
from app.shared.application.idempotency import IdempotencyKeyReusedError
from app.shared.domain.errors import DomainError

_CODES = "x-problem-codes"

_ANY_REQUEST = (
    BadRequestError,
    HostUnknownError,
    BodyTooLargeError,
    UriTooLongError,
    HeadersTooLargeError,
    InternalError,
    RequestTimeoutError,
)


def refusals(*errors: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """`@router.post("/login", responses=refusals(InvalidCredentialsError))`, for the description.

    Only what the use case itself decides: the rest is known from the route.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        responses.setdefault(status_of(error), {_CODES: []})[_CODES].append(error.code)
    return responses


def codes_by_status(operation: Operation) -> Mapping[int, list[str]]:
    """The codes of all problems that the operation can be answered with."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for error in _by_shape(operation):
        found[status_of(error)].add(error.code)
    for status, response in operation.context.responses.items():
        if codes := response.get(_CODES):
            found[int(status)] |= {*codes}
    return {status: sorted(codes) for status, codes in found.items()}


def _by_shape(operation: Operation) -> Iterator[type[DomainError]]:
    yield from _ANY_REQUEST
    calls = [dependency.call for dependency in operation.dependencies()]
    if any(isinstance(call, AuthenticatedCaller | Bearer) for call in calls):
        yield from (AmbiguousCredentialsError, CredentialsMissingError)
    if any(isinstance(call, AuthenticatedCaller) for call in calls):
        yield BearerMalformedError
    accesses = list(accesses_of(operation))
    if accesses or any(isinstance(call, AuthenticatedCaller) for call in calls):
        yield DatabaseUnavailableError
    if any(access.role or access.identified for access in accesses):
        # An administrator's, or out of reach for the scopes of an API key.
        yield AccessForbiddenError
    if versions_in in calls:
        yield from (PreconditionRequiredError, MalformedPreconditionError)
    if any(isinstance(call, IdempotentRequest) for call in calls):
        yield from (IdempotencyKeyMalformedError, IdempotencyKeyReusedError)
    if operation.takes_body:
        yield from (UnsupportedMediaTypeError, ValidationFailedError)
        if not operation.takes_form:
            yield MalformedBodyError
    elif operation.takes_parameters:
        yield ValidationFailedError
