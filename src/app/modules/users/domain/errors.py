"""Every refusal of `users`, by the code that a client sees."""

from __future__ import annotations

from app.shared.domain.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    StaleError,
    UnavailableError,
)


class DisplayNameInvalidError(InvalidError):
    """Too long, or with characters that cannot be shown."""

    code = "display_name_invalid"
    detail = "A display name has at most 100 characters and no control characters."
    pointer = "/display_name"


class HandleInvalidError(InvalidError):
    """Not a handle."""

    code = "handle_invalid"
    detail = "A handle is 3 to 30 ASCII letters, digits or underscores, a letter first."
    pointer = "/handle"


class HandleTakenError(ConflictError):
    """Somebody else has the handle, in whatever case."""

    code = "handle_taken"
    detail = "This handle is already in use."


class LocaleInvalidError(InvalidError):
    """Not a language tag (RFC 5646) of the simple kind."""

    code = "locale_invalid"
    detail = "A locale is a language with an optional region, such as en or pt-BR."
    pointer = "/locale"


class TimeZoneUnknownError(InvalidError):
    """Not a name of the IANA time zone database."""

    code = "time_zone_unknown"
    detail = "This is not the name of a time zone, such as Europe/Lisbon."
    pointer = "/time_zone"


class BioInvalidError(InvalidError):
    """Too long, or with characters that cannot be shown."""

    code = "bio_invalid"
    detail = "A bio has at most 500 characters and no control characters but line breaks."
    pointer = "/bio"


class AvatarUrlInvalidError(InvalidError):
    """Not a URL that a browser would fetch safely."""

    code = "avatar_url_invalid"
    detail = "An avatar is an absolute https URL of at most 500 ASCII characters."
    pointer = "/avatar_url"


class ProfileStaleError(StaleError):
    """The profile was changed since the caller read it."""

    code = "profile_stale"
    detail = "The profile has changed since you read it; read it again."


class ProfilePendingError(UnavailableError):
    """The account is so new that its profile is still on its way."""

    code = "profile_pending"
    detail = "The profile is being made; try again."


class UserNotFoundError(NotFoundError):
    """There is no such user, or the caller may not know whether there is."""

    code = "user_not_found"
    detail = "There is no such user, or you may not see it."
