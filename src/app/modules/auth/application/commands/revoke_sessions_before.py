"""End every session that began before a moment; for the operator, after a restored backup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import SessionStore
from app.shared.application.authorization import OPERATOR, Access
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class RevokeSessionsBefore:
    moment: datetime


@handler
class RevokeSessionsBeforeHandler:
    """In batches, so it may be ended at any time and begun anew."""

    access: ClassVar[Access] = OPERATOR

    sessions: SessionStore

    async def __call__(self, message: RevokeSessionsBefore) -> int:
        """How many were ended."""
        ended = await self.sessions.end_before(message.moment)
        log_event(SecurityEvent.REVOKE_SESSIONS_BEFORE)
        return ended
