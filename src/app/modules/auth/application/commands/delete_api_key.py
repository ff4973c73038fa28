"""Delete an API key, which ends it at once and everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.api_key_errors import ApiKeyNotFoundError
from app.modules.auth.domain.session_values import Device
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class DeleteApiKey:
    caller: Principal
    key_id: UUID
    device: Device = field(default_factory=Device)


@handler
class DeleteApiKeyHandler:
    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]

    async def __call__(self, message: DeleteApiKey) -> None:
        """Raises `ApiKeyNotFoundError` for one of somebody else's as for none at all."""
        caller = message.caller
        async with self.uow() as uow:
            key = await uow.api_keys.locked(message.key_id, of=caller.account_id)
            if key is None:
                raise ApiKeyNotFoundError
            await uow.api_keys.remove(key)
            uow.activity.add(
                Activity.of(
                    caller.account_id,
                    ActivityKind.API_KEY_REVOKED,
                    message.device,
                    caller.session_id,
                )
            )
            await uow.commit()
        log_event(
            SecurityEvent.DELETE_API_KEY, account_id=caller.account_id, session_id=caller.session_id
        )
