"""How an administrator takes hold of an account, whatever other administrators do meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.administration import AccountNotFoundError
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.principal import Principal


async def take_hold(
    uow: AuthUnitOfWork, caller: Principal, account_id: UUID
) -> tuple[Account, Sequence[Account]]:
    """The account and every active administrator, all locked.

    So administrators act one after the other, and who was demoted a moment ago acts no more.
    Raises `AccountNotFoundError` and `AccessForbiddenError`.
    """
    administrators = await uow.accounts.locked_admins()
    if caller.account_id not in {administrator.id for administrator in administrators}:
        raise AccessForbiddenError
    account = await uow.accounts.locked(account_id)
    if account is None:
        raise AccountNotFoundError
    return account, administrators
