"""What a mail of `auth` may be about."""

from __future__ import annotations

from enum import StrEnum


class MailKind(StrEnum):
    """The values are stored, and name the templates."""

    VERIFY_EMAIL = "verify_email"
    """To an address that nobody has proved yet to be theirs."""
    ALREADY_REGISTERED = "already_registered"
    """To whoever registered what has an account already."""
    RESET_PASSWORD = "reset_password"  # noqa: S105  # the name of a mail
    CONFIRM_EMAIL = "confirm_email"
    """To the address that an account is to have."""
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    """To the address that it has meanwhile."""
    EMAIL_CHANGED = "email_changed"
    """To the address that it had."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # the name of a mail
    ACCOUNT_DELETED = "account_deleted"
