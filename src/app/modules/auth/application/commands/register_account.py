"""Register an account, telling nobody whether the address was taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from app.modules.auth.application.audit import log_event
from app.modules.auth.application.ports import AuthUnitOfWork, PasswordHasher
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.password import NewPassword, PasswordPolicy
from app.shared.application.clock import Clock
from app.shared.application.handler import handler


@dataclass(frozen=True, slots=True)
class RegisterAccount:
    email: str = field(repr=False)
    password: str = field(repr=False)
    client: str | None = None
    """The caller's address, which holds a bounded share of the hashing queue."""


@handler
class RegisterAccountHandler:
    """Known or new, an address costs one hash and one commit with one event."""

    uow: Callable[[], AuthUnitOfWork]
    hasher: PasswordHasher
    policy: PasswordPolicy
    clock: Clock

    async def __call__(self, message: RegisterAccount) -> None:
        """Raises `InvalidError` kinds for the address and the password."""
        email = EmailAddress.parse(message.email)
        password = NewPassword.choose(message.password, policy=self.policy, email=email)
        password_hash = await self.hasher.hash(password.value, client=message.client)
        account = Account.register(email=email, password_hash=password_hash, now=self.clock.now())

        async with self.uow() as uow:
            holder = await uow.accounts.claim(account)
            if holder is not account:
                holder.register_again()
            await uow.commit()
        outcome = "done" if holder is account else "repeated"
        log_event("register", outcome, account_id=holder.id)
