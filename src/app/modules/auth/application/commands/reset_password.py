"""Choose a new password by a mailed token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mail_proof import accept
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.password_gate import PasswordGate
from app.modules.auth.application.ports import AuthUnitOfWork, PasswordHasher
from app.modules.auth.domain.activity import Activity, ActivityKind
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail, void_all
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session_values import Device
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class ResetPassword:
    token: str = field(repr=False)
    new_password: str = field(repr=False)
    device: Device = field(default_factory=Device)
    """Its address holds a bounded share of the hashing queue."""


@handler
class ResetPasswordHandler:
    """Everybody is out: sessions, access tokens, API keys and other links. Nobody is logged in,
    and what the throttle holds against the address is forgotten."""

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    hasher: PasswordHasher
    passwords: PasswordGate
    mailed_tokens: MailedTokens
    password_policy: PasswordPolicy

    async def __call__(self, message: ResetPassword) -> None:
        """Raises `LinkInvalidError`, and a `Password…Error` that leaves the token good."""
        mail_id = self.mailed_tokens.parse(MailKind.RESET_PASSWORD, message.token)
        async with self.uow() as uow:
            email = (await accept(uow, MailKind.RESET_PASSWORD, mail_id)).account.email
        password = NewPassword.choose(
            message.new_password, policy=self.password_policy, email=email, member="/new_password"
        )
        password_hash = await self.hasher.hash(password.value, client=message.device.ip)

        # First: a crash in between costs a few guesses more, and not the link with nothing cleared.
        await self.passwords.clear(email.key)
        async with self.uow() as uow:
            proof = await accept(uow, MailKind.RESET_PASSWORD, mail_id)
            account = proof.account
            account.reset_password(password_hash, proof.now)
            void_all(proof.others, proof.now)
            await uow.api_keys.void(account.id)
            uow.revocations.add(Revocation.of_everything(account))
            uow.mails.add(
                OutgoingMail.notice(MailKind.PASSWORD_CHANGED, account=account, now=proof.now)
            )
            uow.activity.add(Activity.of(account.id, ActivityKind.PASSWORD_RESET, message.device))
            await uow.commit()
        log_event(SecurityEvent.RESET_PASSWORD, account_id=account.id)
