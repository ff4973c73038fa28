"""Deleting one's own account."""

from __future__ import annotations

import pytest

from app.modules.auth.application.commands.delete_account import (
    DeleteAccount,
    DeleteAccountHandler,
)
from app.modules.auth.contracts.events import AccountDeleted
from app.modules.auth.domain.account import Account, AccountStatus, Role
from app.modules.auth.domain.administration import LastAdministratorError
from app.modules.auth.domain.errors import CurrentPasswordWrongError, SessionRevokedError
from app.modules.auth.domain.events import MailDue
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.testing import InMemoryAuth, InMemoryAuthUnitOfWork
from app.shared.application.authorization import AccessForbiddenError
from app.shared.application.principal import Principal
from app.shared.testing import as_account
from tests.factories import PASSWORD, START, AccountFactory, SessionFactory

ADMIN = frozenset({Role.USER, Role.ADMIN})


async def delete(auth: InMemoryAuth, account: Account, password: str = PASSWORD) -> None:
    handle = DeleteAccountHandler(auth.uow, auth.passwords)
    await handle(DeleteAccount(as_account(account.id), password))


async def test_a_deleted_account_leaves_a_revocation_an_event_and_a_mail_and_nothing_else() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build(auth_epoch=3))
    auth.sessions.put(SessionFactory.build(account_id=account.id))
    auth.mails.put(
        OutgoingMail.notice(MailKind.PASSWORD_CHANGED, account=account, now=auth.clock.now())
    )
    other = auth.accounts.put(AccountFactory.build())
    auth.sessions.put(SessionFactory.build(account_id=other.id))

    await delete(auth, account)

    assert [left.id for left in auth.accounts] == [other.id]
    assert [left.account_id for left in auth.sessions] == [other.id]
    assert auth.revoked == [Revocation(account_id=account.id, epoch=4)]
    (mail,) = auth.mails
    assert (mail.kind, mail.account_id) == (MailKind.ACCOUNT_DELETED, None)
    assert mail.address == account.email.display
    assert auth.published == [AccountDeleted(account_id=account.id), MailDue(mail_id=mail.id)]


async def test_deleting_needs_the_current_password() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())

    with pytest.raises(CurrentPasswordWrongError):
        await delete(auth, account, "something else entirely")

    assert len(auth.accounts) == 1


async def test_an_account_that_changed_meanwhile_is_not_deleted() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())

    def uow() -> InMemoryAuthUnitOfWork:
        auth.accounts.rows[account.id].raise_epoch(START)
        return auth.uow()

    handle = DeleteAccountHandler(uow, auth.passwords)

    with pytest.raises(SessionRevokedError):
        await handle(DeleteAccount(as_account(account.id), PASSWORD))

    assert (len(auth.accounts), auth.published) == (1, [])


async def test_the_last_active_administrator_stays() -> None:
    auth = InMemoryAuth()
    last = auth.accounts.put(AccountFactory.build(roles=ADMIN))
    auth.accounts.put(AccountFactory.build(roles=ADMIN, status=AccountStatus.DISABLED))
    auth.accounts.put(AccountFactory.build())

    with pytest.raises(LastAdministratorError):
        await delete(auth, last)

    another = auth.accounts.put(AccountFactory.build(roles=ADMIN))
    await delete(auth, last)
    with pytest.raises(LastAdministratorError):
        await delete(auth, another)


async def test_an_api_key_cannot_delete_its_account() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())
    key = Principal(account_id=account.id, scopes=frozenset({"profile:write"}), fresh=True)

    with pytest.raises(AccessForbiddenError):
        await DeleteAccountHandler(auth.uow, auth.passwords)(DeleteAccount(key, PASSWORD))

    assert len(auth.accounts) == 1
