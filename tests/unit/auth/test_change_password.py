"""Changing one's own password: every session ends but the one that it opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.modules.auth.application.commands.change_password import (
    ChangePassword,
    ChangePasswordHandler,
)
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import (
    CurrentPasswordWrongError,
    PasswordTooShortError,
    SessionRevokedError,
)
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.testing import FakePasswordHasher, InMemoryAuth
from app.shared.testing import as_account
from tests.contract.facts import facts
from tests.factories import PASSWORD, AccountFactory, SessionFactory
from tests.unit.auth.post import mails

NEW = "an entirely new password"


@pytest.fixture
def auth() -> InMemoryAuth:
    return InMemoryAuth()


@pytest.fixture
def ada(auth: InMemoryAuth) -> Account:
    account: Account = auth.accounts.put(AccountFactory.build())
    return account


def handler(auth: InMemoryAuth) -> ChangePasswordHandler:
    return ChangePasswordHandler(
        auth.uow,
        auth.passwords,
        auth.hasher,
        auth.session_store,
        auth.refresh_tokens,
        auth.pairs,
        auth.password_policy,
        auth.refresh_policy,
    )


async def test_the_answer_is_a_session_of_the_new_epoch(auth: InMemoryAuth, ada: Account) -> None:
    pair = await handler(auth)(ChangePassword(as_account(ada.id), PASSWORD, NEW))

    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{NEW}"
    assert auth.revoked == [Revocation(account_id=ada.id, epoch=1)]
    (session,) = auth.sessions
    assert session.epoch == account.auth_epoch
    assert auth.refresh_tokens.parse(pair.refresh_token).session_id == session.id
    assert [mail.kind for mail in mails(auth)] == [MailKind.PASSWORD_CHANGED]


async def test_the_device_keeps_its_name(auth: InMemoryAuth, ada: Account) -> None:
    former = auth.sessions.put(SessionFactory.build(account_id=ada.id, label="Laptop"))
    caller = replace(as_account(ada.id), session_id=former.id)

    pair = await handler(auth)(ChangePassword(caller, PASSWORD, NEW))

    opened = auth.refresh_tokens.parse(pair.refresh_token).session_id
    assert {one.id: one.label for one in auth.sessions}[opened] == "Laptop"


@pytest.mark.parametrize(
    ("current", "new", "refusal"),
    [
        ("not my password at all", NEW, CurrentPasswordWrongError),
        (PASSWORD, "short", PasswordTooShortError),
    ],
)
async def test_what_is_refused_changes_nothing(
    auth: InMemoryAuth, ada: Account, current: str, new: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await handler(auth)(ChangePassword(as_account(ada.id), current, new))

    (account,) = auth.accounts
    assert facts(account) == facts(ada)
    assert auth.revoked == []
    assert mails(auth) == []


class InterruptedHasher(FakePasswordHasher):
    """While it hashes, another change of the account comes first."""

    def __init__(self, auth: InMemoryAuth) -> None:
        super().__init__()
        self._auth = auth

    async def hash(self, password: str, *, client: str | None = None) -> str:
        for account in self._auth.accounts:
            account.raise_epoch(self._auth.clock.now())
        return await super().hash(password, client=client)


async def test_of_two_changes_at_once_the_first_wins(auth: InMemoryAuth, ada: Account) -> None:
    auth.hasher = InterruptedHasher(auth)

    with pytest.raises(SessionRevokedError):
        await handler(auth)(ChangePassword(as_account(ada.id), PASSWORD, NEW))

    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{PASSWORD}"
