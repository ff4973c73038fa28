"""Export everything that is kept of oneself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import structlog

from app.modules.auth.application.audit import SecurityEvent, log_event
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataExport:
    exported_at: datetime
    sections: Mapping[str, Any]
    """What each module keeps, by the module's name."""


@handler
class ExportPersonalDataHandler:
    """All of it, or nothing."""

    access: ClassVar[Access] = accounts(fresh=True)

    exports: Exports
    clock: Clock

    async def __call__(self, query: ExportPersonalData) -> PersonalDataExport:
        """Raises `ExportIncompleteError`."""
        caller = query.caller
        try:
            sections = await self.exports.of(caller.account_id)
        except Exception as error:
            if not isinstance(error, UnavailableError):
                _log.exception("export failed")
            raise ExportIncompleteError(retry_after=5) from error
        log_event(SecurityEvent.EXPORT, account_id=caller.account_id, session_id=caller.session_id)
        return PersonalDataExport(exported_at=self.clock.now(), sections=sections)
