"""Another e-mail address: it counts once somebody reads the mail that is sent to it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from app.modules.auth.application.commands.confirm_email_change import (
    ConfirmEmailChange,
    ConfirmEmailChangeHandler,
)
from app.modules.auth.application.commands.request_email_change import (
    RequestEmailChange,
    RequestEmailChangeHandler,
)
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.email_address import EmailAddress
from app.modules.auth.domain.errors import (
    CurrentPasswordWrongError,
    EmailInvalidError,
    LinkInvalidError,
)
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.testing import InMemoryAuth
from app.shared.testing import as_account
from app.shared.testing.mailer import InMemoryMailer
from tests.contract.facts import facts
from tests.factories import PASSWORD, AccountFactory
from tests.unit.auth.post import deliver_mails, mails, newest_token

NEW = "Lovelace@Example.org"


@pytest.fixture
def auth() -> InMemoryAuth:
    return InMemoryAuth()


@pytest.fixture
def ada(auth: InMemoryAuth) -> Account:
    account: Account = auth.accounts.put(AccountFactory.build())
    return account


async def ask(auth: InMemoryAuth, ada: Account, new: str = NEW, password: str = PASSWORD) -> None:
    handle = RequestEmailChangeHandler(
        auth.uow, auth.passwords, auth.mailed_tokens, auth.mail_policy
    )
    await handle(RequestEmailChange(as_account(ada.id), new, password))
    auth.clock.advance(timedelta(seconds=1))


async def confirm(auth: InMemoryAuth, token: str) -> None:
    await ConfirmEmailChangeHandler(auth.uow, auth.mailed_tokens)(ConfirmEmailChange(token))


async def test_the_new_address_is_asked_and_the_old_one_told(
    auth: InMemoryAuth, ada: Account
) -> None:
    await ask(auth, ada)

    (account,) = auth.accounts
    assert account.email == ada.email
    assert {(mail.kind, mail.address) for mail in mails(auth)} == {
        (MailKind.CONFIRM_EMAIL, NEW),
        (MailKind.EMAIL_CHANGE_REQUESTED, ada.email.display),
    }


async def test_the_confirmed_address_is_the_accounts_and_verified(
    auth: InMemoryAuth, ada: Account
) -> None:
    await ask(auth, ada)
    token = newest_token(auth, MailKind.CONFIRM_EMAIL)

    await confirm(auth, token)

    (account,) = auth.accounts
    assert account.email.display == NEW
    assert account.is_verified
    assert account.auth_epoch == 0
    told = mails(auth, MailKind.EMAIL_CHANGED)
    assert [mail.address for mail in told] == [ada.email.display]
    with pytest.raises(LinkInvalidError):
        await confirm(auth, token)


async def test_free_or_taken_the_new_address_is_stored_alike_and_only_a_free_one_gets_a_mail(
    auth: InMemoryAuth, ada: Account
) -> None:
    taken = auth.accounts.put(AccountFactory.build())
    bob = auth.accounts.put(AccountFactory.build())
    mailer = InMemoryMailer()

    await ask(auth, ada, taken.email.display)
    await ask(auth, bob, NEW)

    stored = [facts(mail) for mail in mails(auth, MailKind.CONFIRM_EMAIL)]
    of_one_request = ("id", "account_id", "address", "created_at", "expires_at")
    assert len({str({**each, **dict.fromkeys(of_one_request)}) for each in stored}) == 1
    assert [each["expires_at"] - each["created_at"] for each in stored] == 2 * [
        auth.mail_policy.token_lifetime
    ]
    await deliver_mails(auth, mailer)
    assert Counter(sent.to for sent in mailer.sent) == Counter(
        [ada.email.mailbox, bob.email.mailbox, EmailAddress.parse(NEW).mailbox]
    )


async def test_an_address_that_is_taken_before_its_mail_leaves_gets_none(
    auth: InMemoryAuth, ada: Account
) -> None:
    mailer = InMemoryMailer()
    await ask(auth, ada)
    auth.accounts.put(AccountFactory.build(email=EmailAddress.parse(NEW)))

    await deliver_mails(auth, mailer)

    assert [sent.to for sent in mailer.sent] == [ada.email.mailbox]


async def test_an_address_that_was_taken_meanwhile_cannot_be_confirmed(
    auth: InMemoryAuth, ada: Account
) -> None:
    await ask(auth, ada)
    auth.accounts.put(AccountFactory.build(email=EmailAddress.parse(NEW)))

    with pytest.raises(LinkInvalidError):
        await confirm(auth, newest_token(auth, MailKind.CONFIRM_EMAIL))

    assert auth.accounts.rows[ada.id].email == ada.email


async def test_only_the_newest_request_can_be_confirmed(auth: InMemoryAuth, ada: Account) -> None:
    await ask(auth, ada, "first@example.org")
    before = newest_token(auth, MailKind.CONFIRM_EMAIL)
    await ask(auth, ada)

    with pytest.raises(LinkInvalidError):
        await confirm(auth, before)


async def test_a_link_that_was_mailed_to_the_old_address_is_void(
    auth: InMemoryAuth, ada: Account
) -> None:
    await ask(auth, ada)
    token = newest_token(auth, MailKind.CONFIRM_EMAIL)
    reset = OutgoingMail.with_token(
        MailKind.RESET_PASSWORD,
        account=ada,
        kid="kid1",
        policy=auth.mail_policy,
        now=auth.clock.now(),
    )
    auth.mails.put(reset)

    await confirm(auth, token)

    account, now = auth.accounts.rows[ada.id], auth.clock.now()
    assert not auth.mails.rows[reset.id].is_good_for(MailKind.RESET_PASSWORD, account, now)


async def test_the_wrong_password_asks_for_nothing(auth: InMemoryAuth, ada: Account) -> None:
    with pytest.raises(CurrentPasswordWrongError):
        await ask(auth, ada, password="not my password at all")

    assert mails(auth) == []


async def test_what_is_no_address_is_refused_before_anything_is_hashed(
    auth: InMemoryAuth, ada: Account
) -> None:
    with pytest.raises(EmailInvalidError) as refused:
        await ask(auth, ada, "a,b@example.com")

    assert refused.value.pointer == "/new_email"
    assert auth.hasher.runs == 0
