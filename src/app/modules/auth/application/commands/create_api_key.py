"""Create an API key, which is shown this once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from app.modules.auth.application.api_keys import ApiKeyTokens
from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.api_key import ApiKey
from app.modules.auth.domain.api_key_errors import ApiKeyNotFoundError, ScopeUnknownError
from app.modules.auth.domain.errors import SessionRevokedError, TokenInvalidError
from app.modules.auth.domain.session_values import Device
from app.shared.application.authorization import Access, Scopes, accounts
from app.shared.application.handler import handler
from app.shared.application.idempotency import Answer, IdempotencyKey
from app.shared.application.principal import Principal
from app.shared.domain.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    caller: Principal
    current_password: str = field(repr=False)
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    device: Device = field(default_factory=Device)
    idempotency: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedApiKey:
    id: UUID
    created_at: datetime
    token: str = field(repr=False)


@handler
class CreateApiKeyHandler:
    """Only its hash is stored. Whoever repeats a request whose answer was lost, with the password
    once more, is shown the same key."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]
    passwords: PasswordGate
    api_key_tokens: ApiKeyTokens
    scopes: Scopes

    async def __call__(self, message: CreateApiKey) -> CreatedApiKey:
        """Raises `ScopeUnknownError`, `ApiKeyExpiryPastError`, `TooManyApiKeysError`, and
        `SessionRevokedError` when a change of the account came first."""
        for position, scope in enumerate(message.scopes):
            if scope not in self.scopes.known:
                refusal = ScopeUnknownError()
                refusal.pointer = f"/scopes/{position}"
                raise refusal
        known = await self.passwords.verify_current(
            message.caller.account_id, message.current_password, message.device.ip
        )
        key_id, kid = new_id(), self.api_key_tokens.current_kid
        token = self.api_key_tokens.mint(key_id, kid)

        async with self.uow() as uow:
            now = await uow.now()
            answer = {"id": str(key_id), "kid": kid, "created_at": now.isoformat()}
            earlier = await uow.remember(message.idempotency, by=message.caller, answer=answer)
            if earlier is not None:
                return self._shown_again(earlier)
            account = await uow.accounts.locked(known.account_id)
            if account is None or account.auth_epoch != known.epoch:
                raise SessionRevokedError
            key = ApiKey.create(
                key_id=key_id,
                account=account,
                existing=await uow.api_keys.count(account.id),
                name=message.name,
                kid=kid,
                secret_hash=self.api_key_tokens.parse(token).secret_hash,
                scopes=frozenset(message.scopes),
                expires_at=message.expires_at,
                now=now,
            )
            uow.api_keys.add(key)
            uow.activity.add(
                Activity.of(
                    account.id,
                    ActivityKind.API_KEY_CREATED,
                    message.device,
                    message.caller.session_id,
                )
            )
            await uow.commit()
        log_event(
            SecurityEvent.CREATE_API_KEY,
            account_id=account.id,
            session_id=message.caller.session_id,
        )
        return CreatedApiKey(id=key_id, created_at=now, token=token)

    def _shown_again(self, answer: Answer) -> CreatedApiKey:
        key_id = UUID(answer["id"])
        try:
            token = self.api_key_tokens.mint(key_id, answer["kid"])
        except TokenInvalidError:
            raise ApiKeyNotFoundError(
                "This API key cannot be shown again; delete it and create another one."
            ) from None
        created_at = datetime.fromisoformat(answer["created_at"])
        return CreatedApiKey(id=key_id, created_at=created_at, token=token)
