"""Every refusal of `auth`, by the code that a client sees."""

from __future__ import annotations

from typing import ClassVar

from app.shared.domain.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    ThrottledError,
    UnauthenticatedError,
    UnavailableError,
)


class EmailInvalidError(InvalidError):
    """Not an address that mail could be sent to; before the @ only ASCII is understood."""

    code = "email_invalid"
    detail = "This is not a valid e-mail address."
    pointer = "/email"


class EmailTakenError(ConflictError):
    """The address belongs to an account. Never shown to a client: it would tell who is here."""

    code = "email_taken"
    detail = "This e-mail address is already in use."


class PasswordTooShortError(InvalidError):
    """Fewer code points than the policy asks for."""

    code = "password_too_short"
    detail = "The password is too short."
    pointer = "/password"


class PasswordTooLongError(InvalidError):
    """More code points than the policy allows."""

    code = "password_too_long"
    detail = "The password is too long."
    pointer = "/password"


class PasswordInvalidError(InvalidError):
    """The password holds a lone surrogate, which is no Unicode text and has no UTF-8 form."""

    code = "password_invalid"
    detail = "The password is not valid Unicode text."
    pointer = "/password"


class PasswordTooCommonError(InvalidError):
    """The password stands on the list of common ones, or is made of nothing else."""

    code = "password_too_common"
    detail = "This password is among the first that an attacker tries."
    pointer = "/password"


class PasswordGuessableError(InvalidError):
    """The password is made of what is known about the account or the service."""

    code = "password_guessable"
    detail = "This password consists of your address or of this service's name."
    pointer = "/password"


class LinkInvalidError(InvalidError):
    """A mailed token that is forged, used, expired, superseded or void for another reason."""

    code = "link_invalid"
    detail = "This link is no longer valid. Ask for a new one."
    pointer = "/token"


class CurrentPasswordWrongError(InvalidError):
    """Something that needs the password again was asked for with another one."""

    code = "current_password_wrong"
    detail = "This is not your current password."
    pointer = "/current_password"


class InvalidCredentialsError(UnauthenticatedError):
    """The one answer to every failed login."""

    code = "invalid_credentials"
    detail = "The e-mail address or the password is wrong."


class TokenError(UnauthenticatedError):
    """A token was shown and is not good (RFC 6750 §3.1 `invalid_token`)."""

    terminal: ClassVar[bool | None] = True


class TokenInvalidError(TokenError):
    """Malformed, forged, or minted for another purpose."""

    code = "token_invalid"
    detail = "The token is not valid."


class TokenExpiredError(TokenError):
    """An access token past its time."""

    code = "token_expired"
    detail = "The token has expired."


class TokenSupersededError(TokenError):
    """A stale tab's refresh token: its successor is already out. Nothing was revoked."""

    code = "token_superseded"
    detail = "A newer token has been issued for this session; use that one."
    terminal = False


class TokenReusedError(TokenError):
    """A refresh token that was used before was shown again: somebody has a copy."""

    code = "token_reused"
    detail = "The token was used before. The session has been ended; log in again."


class SessionRevokedError(TokenError):
    """The session was ended by its owner, by an administrator or by us."""

    code = "session_revoked"
    detail = "The session has been ended; log in again."


class SessionExpiredError(TokenError):
    """The session is past its idle or its absolute lifetime."""

    code = "session_expired"
    detail = "The session has expired; log in again."


class AccountDisabledError(TokenError):
    """The account is disabled or gone."""

    code = "account_disabled"
    detail = "The account is not active."


class LoginThrottledError(ThrottledError):
    """Passwords are tried too often: at this address, by this device or from this network."""

    code = "throttled"
    detail = (
        "Too many attempts. Wait as long as Retry-After says, or reset the password if it is lost."
    )


class RequestsThrottledError(ThrottledError):
    """Mails are asked for too often from one network."""

    code = "throttled"
    detail = "Too many requests from your network; try again later."


class SessionNotFoundError(NotFoundError):
    """No session of the caller's has this id; whether somebody else's has is not told."""

    code = "session_not_found"
    detail = "There is no such session."


class HashingQueueShareError(ThrottledError):
    """One client holds its whole share of the hashing queue."""

    code = "throttled"
    detail = "Too many requests at once; try again later."


class HashingOverloadedError(UnavailableError):
    """No hashing permit came free in time."""

    code = "overloaded"
    detail = "The service is busy; try again later."
