"""The refusals of `auth` that are about API keys."""

from __future__ import annotations

from app.shared.domain.errors import ConflictError, InvalidError, NotFoundError


class ScopeUnknownError(InvalidError):
    """An API key is to be good for something that no use case asks for."""

    code = "scope_unknown"
    detail = "There is no such scope."
    pointer = "/scopes"


class ApiKeyExpiryPastError(InvalidError):
    """An API key is to end before it begins."""

    code = "expiry_past"
    detail = "This moment has passed."
    pointer = "/expires_at"


class TooManyApiKeysError(ConflictError):
    """The account has as many API keys as an account may have."""

    code = "too_many_api_keys"
    detail = "The account has too many API keys; delete those that are no longer used."


class ApiKeyNotFoundError(NotFoundError):
    """No API key of the caller's has this id; whether somebody else's has is not told."""

    code = "api_key_not_found"
    detail = "There is no such API key."
