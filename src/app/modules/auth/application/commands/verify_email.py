"""Verify an e-mail address by the token that was mailed to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from app.modules.auth.application.audit import SecurityEvent, log_event
from app.modules.auth.application.mail_proof import accept
from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.errors import LinkInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import void_all
from app.modules.auth.domain.ports import Revocation
from app.shared.application.authorization import ANYONE, Access
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class VerifyEmail:
    token: str = field(repr=False)


@handler
class VerifyEmailHandler:
    """The registration whose mail was read is the one that counts.

    Where that is not the one that made the account, whoever made it loses everything: the
    password, the sessions, the API keys and what was asked for in the account's name.
    """

    access: ClassVar[Access] = ANYONE

    uow: Callable[[], AuthUnitOfWork]
    mailed_tokens: MailedTokens

    async def __call__(self, message: VerifyEmail) -> None:
        """Raises `LinkInvalidError`."""
        mail_id = self.mailed_tokens.parse(MailKind.VERIFY_EMAIL, message.token)
        async with self.uow() as uow:
            proof = await accept(uow, MailKind.VERIFY_EMAIL, mail_id)
            account = proof.account
            if account.is_verified:
                raise LinkInvalidError
            account.verify(proof.now, password_hash=proof.mail.password_hash)
            if proof.mail.password_hash is None:
                void_all(proof.others, proof.now, MailKind.VERIFY_EMAIL)
            else:
                void_all(proof.others, proof.now)
                await uow.api_keys.void(account.id)
                uow.revocations.add(Revocation.of_everything(account))
            await uow.commit()
        log_event(SecurityEvent.VERIFY_EMAIL, account_id=account.id)
