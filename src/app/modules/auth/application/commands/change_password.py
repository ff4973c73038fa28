"""Change one's own password, knowing the present one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import (
    AuthUnitOfWork,
    PasswordHasher,
    RefreshTokens,
    SessionStore,
)
from app.modules.auth.application.token_pair import TokenPair, TokenPairs
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import SessionRevokedError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, void_all
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device
from app.shared.application.authorization import Access, accounts
from app.shared.application.handler import handler
from app.shared.application.principal import Principal


@dataclass(frozen=True, slots=True)
class ChangePassword:
    caller: Principal
    current_password: str = field(repr=False)
    new_password: str = field(repr=False)
    device: Device = field(default_factory=Device)


@handler
class ChangePasswordHandler:
    """Every session ends, this one too; the answer is the first pair of a new one."""

    access: ClassVar[Access] = accounts(fresh=True)

    uow: Callable[[], AuthUnitOfWork]
    passwords: PasswordGate
    hasher: PasswordHasher
    sessions: SessionStore
    refresh_tokens: RefreshTokens
    pairs: TokenPairs
    password_policy: PasswordPolicy
    refresh_policy: RefreshPolicy

    async def __call__(self, message: ChangePassword) -> TokenPair:
        """Raises `CurrentPasswordWrongError`, a `Password…Error`, or `SessionRevokedError` when
        another change of the account came first."""
        client, session_id = message.device.ip, message.caller.session_id
        known = await self.passwords.verify_current(
            message.caller.account_id, message.current_password, client
        )
        password = NewPassword.choose(
            message.new_password,
            policy=self.password_policy,
            email=EmailAddress(known.email_key, known.email_key),
            member="/new_password",
        )
        password_hash = await self.hasher.hash(password.value, client=client)

        async with self.uow() as uow:
            account = await uow.accounts.locked(known.account_id)
            if account is None or account.auth_epoch != known.epoch:
                raise SessionRevokedError
            now = await uow.now()
            former = await uow.sessions.locked(session_id) if session_id else None
            account.change_password(password_hash, now)
            void_all(await uow.mails.of_account(account.id), now)
            uow.revocations.add(Revocation.of_everything(account))
            uow.mails.add(OutgoingMail.notice(MailKind.PASSWORD_CHANGED, account=account, now=now))
            uow.activity.add(
                Activity.of(account.id, ActivityKind.PASSWORD_CHANGED, message.device, session_id)
            )
            await uow.commit()
        session = Session.start(
            account_id=account.id,
            epoch=account.auth_epoch,
            kid=self.refresh_tokens.current_kid,
            # Its owner knows the device by this name, and it is the same device.
            device=replace(message.device, label=former.label if former else None),
            policy=self.refresh_policy,
            now=now,
        )
        await self.sessions.open(session)
        log_event(SecurityEvent.CHANGE_PASSWORD, account_id=account.id, session_id=session.id)
        return self.pairs.mint(session.grant(account.roles))
