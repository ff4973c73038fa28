"""The values around a session: where it comes from, why it ended, what its tokens are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class RevocationReason(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REUSE = "reuse"
    FORGERY = "forgery"
    OWNER = "owner"
    """The owner ended it from another session, or all of them."""
    ADMIN = "admin"
    OPERATOR = "operator"
    """The command line did, after a restored backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a login says about where it comes from; shown to the owner, never trusted."""

    label: str | None = None
    user_agent: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionGrant:
    """What the tokens of a session's present generation are made of."""

    session_id: UUID
    account_id: UUID
    generation: int
    kid: str
    epoch: int
    roles: frozenset[str]
    authenticated_at: datetime
    idle_expires_at: datetime
    absolute_expires_at: datetime
