"""Verifying an address: the registration whose mail was read is the one that counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.resend_verification import (
    ResendVerification,
    ResendVerificationHandler,
)
from app.modules.auth.application.commands.verify_email import VerifyEmail, VerifyEmailHandler
from app.modules.auth.domain.account import AccountStatus
from app.modules.auth.domain.errors import EmailInvalidError, LinkInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.outgoing_mail import OutgoingMail
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.testing import InMemoryAuth
from app.shared.domain.ids import new_id
from tests.factories import PASSWORD, AccountFactory, RegisterAccountFactory
from tests.unit.auth.post import answer_registrations, mails, newest_token, token_in

ADA = "ada@example.com"
OTHER = "another long password"


@pytest.fixture
def auth() -> InMemoryAuth:
    return InMemoryAuth()


async def register(auth: InMemoryAuth, password: str = PASSWORD) -> None:
    handle = RegisterAccountHandler(
        auth.uow,
        auth.hasher,
        auth.password_policy,
        auth.clock,
    )
    await handle(RegisterAccountFactory.build(email=ADA, password=password))
    await answer_registrations(auth)
    auth.clock.advance(timedelta(seconds=1))


async def verify(auth: InMemoryAuth, token: str) -> None:
    await VerifyEmailHandler(auth.uow, auth.mailed_tokens)(VerifyEmail(token))


async def resend(auth: InMemoryAuth, email: str = ADA) -> None:
    handle = ResendVerificationHandler(
        auth.uow, auth.mailed_tokens, auth.mail_policy, auth.mail_throttle
    )
    await handle(ResendVerification(email))
    auth.clock.advance(timedelta(seconds=1))


async def test_the_mailed_token_verifies_the_address_once(auth: InMemoryAuth) -> None:
    await register(auth)
    token = newest_token(auth, MailKind.VERIFY_EMAIL)

    await verify(auth, token)

    (account,) = auth.accounts
    assert account.is_verified
    assert (account.auth_epoch, account.password_hash) == (0, f"fake1:{PASSWORD}")
    with pytest.raises(LinkInvalidError):
        await verify(auth, token)


async def test_a_token_is_good_for_ten_minutes(auth: InMemoryAuth) -> None:
    await register(auth)
    token = newest_token(auth, MailKind.VERIFY_EMAIL)
    auth.clock.advance(timedelta(minutes=10))

    with pytest.raises(LinkInvalidError):
        await verify(auth, token)


@pytest.mark.parametrize("kind", [MailKind.RESET_PASSWORD, MailKind.CONFIRM_EMAIL])
async def test_a_token_for_something_else_verifies_nothing(
    auth: InMemoryAuth, kind: MailKind
) -> None:
    await register(auth)
    (mail,) = mails(auth)

    with pytest.raises(LinkInvalidError):
        await verify(auth, auth.mailed_tokens.mint(kind, mail.id, "kid1"))


async def test_a_token_of_no_mail_verifies_nothing(auth: InMemoryAuth) -> None:
    token = auth.mailed_tokens.mint(MailKind.VERIFY_EMAIL, new_id(), "kid1")

    with pytest.raises(LinkInvalidError):
        await verify(auth, token)


async def test_a_later_registration_takes_over_everything_when_its_mail_is_read(
    auth: InMemoryAuth,
) -> None:
    await register(auth)
    first = newest_token(auth, MailKind.VERIFY_EMAIL)
    await register(auth, OTHER)

    await verify(auth, newest_token(auth, MailKind.VERIFY_EMAIL))

    (account,) = auth.accounts
    assert account.is_verified
    assert (account.auth_epoch, account.password_hash) == (1, f"fake1:{OTHER}")
    assert auth.revoked == [Revocation(account_id=account.id, epoch=1)]
    with pytest.raises(LinkInvalidError):
        await verify(auth, first)


async def test_the_first_registration_counts_when_its_mail_is_read(auth: InMemoryAuth) -> None:
    await register(auth)
    first = newest_token(auth, MailKind.VERIFY_EMAIL)
    await register(auth, OTHER)
    second = newest_token(auth, MailKind.VERIFY_EMAIL)

    await verify(auth, first)

    (account,) = auth.accounts
    assert (account.auth_epoch, account.password_hash) == (0, f"fake1:{PASSWORD}")
    with pytest.raises(LinkInvalidError):
        await verify(auth, second)


async def test_resending_renews_the_latest_registration_and_voids_its_token(
    auth: InMemoryAuth,
) -> None:
    await register(auth)
    await register(auth, OTHER)
    first, before = (token_in(auth, mail) for mail in mails(auth))

    await resend(auth)

    with pytest.raises(LinkInvalidError):
        await verify(auth, before)
    await verify(auth, newest_token(auth, MailKind.VERIFY_EMAIL))
    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{OTHER}"
    with pytest.raises(LinkInvalidError):
        await verify(auth, first)


async def test_a_request_that_sends_no_mail_voids_no_token(auth: InMemoryAuth) -> None:
    await register(auth)
    for _ in range(auth.mail_policy.max_per_hour - 1):
        await resend(auth)
    token = newest_token(auth, MailKind.VERIFY_EMAIL)

    await resend(auth)

    await verify(auth, token)


@pytest.mark.parametrize("state", ["unknown", "verified", "disabled", "unverified"])
async def test_asking_again_is_one_commit_with_one_event_for_every_address(
    auth: InMemoryAuth, state: str
) -> None:
    account = AccountFactory.build()
    if state == "verified":
        account.email_verified_at = account.created_at
    if state == "disabled":
        account.status = AccountStatus.DISABLED
    if state != "unknown":
        auth.accounts.put(account)

    await resend(auth, account.email.display)

    assert len(auth.published) == len(auth.mails) == 1
    assert len(mails(auth)) == (state == "unverified")


async def test_what_is_no_address_is_refused(auth: InMemoryAuth) -> None:
    with pytest.raises(EmailInvalidError):
        await resend(auth, "ada@example.com\r\nBcc: eve@example.com")


@pytest.mark.parametrize("written", [("fake1:" + OTHER, None), (None, "fake1:" + OTHER)])
async def test_asking_again_is_for_the_last_registration_whichever_mail_was_written_last(
    auth: InMemoryAuth, written: tuple[str | None, ...]
) -> None:
    account = auth.accounts.put(AccountFactory.build())
    for password_hash in written:
        async with auth.uow() as uow:
            uow.mails.add(
                OutgoingMail.with_token(
                    MailKind.VERIFY_EMAIL,
                    account=account,
                    kid=auth.mailed_tokens.current_kid,
                    policy=auth.mail_policy,
                    now=auth.clock.now(),
                    password_hash=password_hash,
                )
            )
            await uow.commit()
        auth.clock.advance(timedelta(seconds=1))

    await resend(auth, account.email.display)
    await verify(auth, newest_token(auth, MailKind.VERIFY_EMAIL))

    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{OTHER}"
