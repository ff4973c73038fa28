"""The refusals that only HTTP knows, and the one table from kinds of refusal to statuses."""

from __future__ import annotations

from typing import ClassVar

from app.shared.domain.errors import (
    ConflictError,
    DomainError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    StaleError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)


class HttpError(DomainError):
    """A refusal about the message itself, before any use case; it knows its own status."""

    status: ClassVar[int]


class BadRequestError(HttpError):
    """The request cannot be understood."""

    status = 400
    code = "bad_request"
    detail = "The request cannot be understood."


class MalformedBodyError(HttpError):
    """The body is not JSON that every reader understands alike (RFC 8259, RFC 7493)."""

    status = 400
    code = "malformed_body"
    detail = (
        "The body must be one JSON document in UTF-8, with each name once in an object, "
        "numbers of ordinary size, complete characters and little nesting."
    )


class AmbiguousCredentialsError(HttpError):
    """More than one Authorization header (RFC 6750 §3.1 `invalid_request`)."""

    status = 400
    code = "credentials_ambiguous"
    detail = "The request carries more than one Authorization header."


class MalformedPreconditionError(HttpError):
    """The If-Match header is not a list of entity tags (RFC 9110 §13.1.1)."""

    status = 400
    code = "precondition_malformed"
    detail = "The If-Match header must be * or a list of entity tags."


class HostUnknownError(HttpError):
    """The Host header names nobody that this service answers for (RFC 9110 §7.4)."""

    status = 400
    code = "host_unknown"
    detail = "This service is not known by the name in the Host header."


class OriginRefusedError(HttpError):
    """A browser asks on behalf of a page that may not send this request (CORS preflight)."""

    status = 403
    code = "origin_refused"
    detail = "Pages of this origin may not send this request."


class MethodNotAllowedError(HttpError):
    """The resource exists and does not know this method; the Allow header lists those it does."""

    status = 405
    code = "method_not_allowed"
    detail = "This resource does not know this method."


class BodyTooLargeError(HttpError):
    """The body is longer than the server reads."""

    status = 413
    code = "body_too_large"
    detail = "The body is longer than this service accepts."


class UriTooLongError(HttpError):
    """The path and the query are longer than the server reads."""

    status = 414
    code = "uri_too_long"
    detail = "The URL is longer than this service accepts."


class UnsupportedMediaTypeError(HttpError):
    """The body is of another type than the route reads, or does not say which."""

    status = 415
    code = "unsupported_media_type"
    detail = "The body must come with the Content-Type that this route reads."


class PreconditionRequiredError(HttpError):
    """A change needs to say on which version it was decided (RFC 6585 §3)."""

    status = 428
    code = "precondition_required"
    detail = "Send the ETag of the version that you decided on as If-Match."


class HeadersTooLargeError(HttpError):
    """More headers, or longer ones, than the server reads (RFC 6585 §5)."""

    status = 431
    code = "headers_too_large"
    detail = "The request has more or longer headers than this service accepts."


class InternalError(HttpError):
    """A defect of ours. The request id, in `instance`, finds it in the log."""

    status = 500
    code = "internal"
    detail = "The service failed; this was not caused by your request."


class ValidationFailedError(InvalidError):
    """Members of the request do not fit the schema; `errors` lists them, never their values."""

    code = "validation"
    detail = "Parts of the request are missing or do not fit."


class RouteNotFoundError(NotFoundError):
    """Nothing is at this path."""

    code = "not_found"
    detail = "There is nothing here."


class CredentialsMissingError(UnauthenticatedError):
    """No bearer token was sent in the Authorization header (RFC 6750 §2.1)."""

    code = "unauthenticated"
    detail = "Send an access token: Authorization: Bearer <token>."


class BearerMalformedError(UnauthenticatedError):
    """What was sent as a bearer token cannot be one (RFC 6750 §2.1, b64token)."""

    code = "token_invalid"
    detail = "The token is not valid."
    terminal: ClassVar[bool | None] = True


class RequestTimeoutError(UnavailableError):
    """The answer was not ready in time; whether the request took effect is not known."""

    code = "request_timeout"
    detail = "The service did not answer in time; try again."


class NotReadyError(UnavailableError):
    """The process is alive and cannot serve: its database is out of reach."""

    code = "not_ready"
    detail = "The service is not ready."


class UnmappedErrorError(LookupError):
    """An error is of no kind, so HTTP has no status for it."""


STATUS_OF_KIND: dict[type[DomainError], int] = {
    InvalidError: 422,
    UnauthenticatedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    StaleError: 412,
    ThrottledError: 429,
    UnavailableError: 503,
}


def status_of(error: type[DomainError]) -> int:
    """The HTTP status of a class of refusals; raises `UnmappedErrorError` if it has no kind."""
    if issubclass(error, HttpError):
        return error.status
    for ancestor in error.__mro__:
        if ancestor in STATUS_OF_KIND:
            return STATUS_OF_KIND[ancestor]
    raise UnmappedErrorError(error.__qualname__)
