"""The log of security events: who, what and the outcome; from where is in the line's context."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

import structlog

from app.modules.auth.domain.errors import (
    AccountDisabledError,
    CurrentPasswordWrongError,
    InvalidCredentialsError,
    LoginThrottledError,
    SessionExpiredError,
    SessionRevokedError,
    TokenExpiredError,
    TokenInvalidError,
    TokenReusedError,
    TokenSupersededError,
)
from app.modules.auth.domain.mail_kind import MailKind

_log = structlog.get_logger("app.auth")

DONE = "done"
CAP = "cap"
"""It made room for another one."""
_GUESSED = (LoginThrottledError.code,)
_MAILED_OR_NOT = (DONE, "nobody")
"""Where no mail is due, nobody is told but the log."""


class SecurityEvent(Enum):
    """Everything that is logged, with its outcomes; docs/security-events.md explains each.

    The outcomes that are alerts are for a person to look at.
    """

    REGISTER = "register", (DONE, "repeated")
    LOGIN = "login", (DONE, InvalidCredentialsError.code, *_GUESSED)
    REFRESH = (
        "refresh",
        (
            DONE,
            TokenSupersededError.code,
            SessionRevokedError.code,
            SessionExpiredError.code,
            AccountDisabledError.code,
        ),
        (TokenReusedError.code, TokenInvalidError.code),
    )
    LOGOUT = "logout"
    PASSWORD_CHECK = "password_check", (CurrentPasswordWrongError.code, *_GUESSED)
    CHANGE_PASSWORD = "change_password"  # noqa: S105  # the name of a fact
    REQUEST_PASSWORD_RESET = "request_password_reset", _MAILED_OR_NOT
    RESET_PASSWORD = "reset_password"  # noqa: S105  # the name of a fact
    RESEND_VERIFICATION = "resend_verification", _MAILED_OR_NOT
    VERIFY_EMAIL = "verify_email"
    REQUEST_EMAIL_CHANGE = "request_email_change"
    CONFIRM_EMAIL_CHANGE = "confirm_email_change"
    API_KEY = (
        "api_key",
        (TokenInvalidError.code, TokenExpiredError.code, AccountDisabledError.code),
    )
    CREATE_API_KEY = "create_api_key"
    DELETE_API_KEY = "delete_api_key"
    SEND_MAIL = "send_mail", (*MailKind, "void")
    REVOKE_SESSION = "revoke_session", (DONE, CAP)
    REVOKE_SESSIONS_BEFORE = "revoke_sessions_before"
    CREATE_ADMIN = "create_admin"
    DELETE_ACCOUNT = "delete_account"
    EXPORT = "export"
    DISABLE_ACCOUNT = "disable_account"
    ENABLE_ACCOUNT = "enable_account"
    CHANGE_ROLES = "change_roles"

    def __init__(
        self, what: str, outcomes: tuple[str, ...] = (DONE,), alerts: tuple[str, ...] = ()
    ) -> None:
        self.what = what
        self.outcomes = (*outcomes, *alerts)
        self.alerts = alerts


def log_event(
    event: SecurityEvent,
    outcome: str = DONE,
    *,
    account_id: UUID | None = None,
    session_id: UUID | None = None,
) -> None:
    """Nobody is named where nobody is known."""
    who = {"account_id": account_id, "session_id": session_id}
    log = _log.warning if outcome in event.alerts else _log.info
    log(
        "authentication",
        what=event.what,
        outcome=str(outcome),
        **{name: str(identity) for name, identity in who.items() if identity},
    )
