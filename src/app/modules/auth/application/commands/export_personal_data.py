"""Export everything that is kept of oneself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import structlog

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.session_values import Device
from app.shared.application.authorization import Access, accounts
from app.shared.application.clock import Clock
from app.shared.application.handler import handler
from app.shared.application.personal_data import ExportIncompleteError, Exports
from app.shared.application.principal import Principal
from app.shared.domain.errors import UnavailableError

_log = structlog.get_logger("app.auth.export")


@dataclass(frozen=True, slots=True)
class ExportPersonalData:
    caller: Principal
    device: Device = field(default_factory=Device)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataExport:
    exported_at: datetime
    sections: Mapping[str, Any]
    """What each module keeps, by the module's name."""


@handler
class ExportPersonalDataHandler:
    """All of it, or nothing; and nothing unseen: its line for the owner is stored before anything
    is handed out."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]
    exports: Exports
    clock: Clock

    async def __call__(self, message: ExportPersonalData) -> PersonalDataExport:
        """Raises `ExportIncompleteError`, and `SessionRevokedError` when the account is gone
        meanwhile."""
        caller = message.caller
        try:
            sections = await self.exports.of(caller.account_id)
        except Exception as error:
            if not isinstance(error, UnavailableError):
                _log.exception("export failed")
            raise ExportIncompleteError(retry_after=5) from error
        async with self.uow() as uow:
            # A line that came after a deletion would stay behind.
            if await uow.accounts.locked(caller.account_id) is None:
                raise SessionRevokedError
            uow.activity.add(
                Activity.of(
                    caller.account_id,
                    ActivityKind.DATA_EXPORTED,
                    message.device,
                    caller.session_id,
                )
            )
            await uow.commit()
        log_event(SecurityEvent.EXPORT, account_id=caller.account_id, session_id=caller.session_id)
        return PersonalDataExport(exported_at=self.clock.now(), sections=sections)
