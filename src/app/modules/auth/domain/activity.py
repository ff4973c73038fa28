"""What happened to an account, as its owner sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from app.modules.auth.domain.session_values import Device


class ActivityKind(StrEnum):
    """The values are stored, and shown to clients."""

    LOGIN = "login"
    LOGOUT = "logout"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # the name of a fact
    PASSWORD_RESET = "password_reset"  # noqa: S105  # the name of a fact
    EMAIL_CHANGED = "email_changed"
    SESSION_REVOKED = "session_revoked"
    """By the owner, an administrator or the operator, or by a login that found as many as an
    account may have."""
    SESSION_COMPROMISED = "session_compromised"
    """Two holders of one refresh token were noticed."""
    DATA_EXPORTED = "data_exported"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    ROLES_CHANGED = "roles_changed"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the list. Where an administrator acted, the owner is not told from where."""

    account_id: UUID
    what: ActivityKind
    session_id: UUID | None = None
    """The session that it happened to, or else the one that it was done in."""
    ip: str | None = None
    user_agent: str | None = None

    @classmethod
    def of(
        cls,
        account_id: UUID,
        what: ActivityKind,
        device: Device | None = None,
        session_id: UUID | None = None,
    ) -> Activity:
        """What the owner did from this device, or what was done to them."""
        return cls(
            account_id=account_id,
            what=what,
            session_id=session_id,
            ip=device.ip if device else None,
            user_agent=device.user_agent if device else None,
        )
