"""A forgotten password: a mail, a token, and everybody is out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.application.commands.request_password_reset import (
    RequestPasswordReset,
    RequestPasswordResetHandler,
)
from app.modules.auth.application.commands.reset_password import (
    ResetPassword,
    ResetPasswordHandler,
)
from app.modules.auth.application.throttling import Charge
from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.errors import LinkInvalidError, PasswordTooShortError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.testing import InMemoryAuth
from app.modules.auth.testing.throttle import InMemoryThrottle
from app.shared.application.database_errors import DatabaseUnavailableError
from tests.contract.facts import facts
from tests.factories import PASSWORD, AccountFactory, RegisterAccountFactory
from tests.unit.auth.post import mails, newest_token

NEW = "an entirely new password"


@pytest.fixture
def auth() -> InMemoryAuth:
    return InMemoryAuth()


@pytest.fixture
def ada(auth: InMemoryAuth) -> Account:
    account: Account = auth.accounts.put(AccountFactory.build())
    return account


async def forget(auth: InMemoryAuth, email: str) -> None:
    handle = RequestPasswordResetHandler(
        auth.uow, auth.mailed_tokens, auth.mail_policy, auth.mail_throttle
    )
    await handle(RequestPasswordReset(email))
    auth.clock.advance(timedelta(seconds=1))


async def register(auth: InMemoryAuth, email: str) -> None:
    handle = RegisterAccountHandler(
        auth.uow,
        auth.hasher,
        auth.password_policy,
        auth.clock,
    )
    await handle(RegisterAccountFactory.build(email=email))


async def reset(auth: InMemoryAuth, token: str, password: str = NEW) -> None:
    handle = ResetPasswordHandler(
        auth.uow, auth.hasher, auth.passwords, auth.mailed_tokens, auth.password_policy
    )
    await handle(ResetPassword(token, password))


async def test_a_reset_changes_the_password_and_voids_everything(
    auth: InMemoryAuth, ada: Account
) -> None:
    await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)

    await reset(auth, token)

    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{NEW}"
    assert account.is_verified
    assert auth.revoked == [Revocation(account_id=ada.id, epoch=1)]
    assert [mail.kind for mail in mails(auth)] == [
        MailKind.RESET_PASSWORD,
        MailKind.PASSWORD_CHANGED,
    ]
    with pytest.raises(LinkInvalidError):
        await reset(auth, token, PASSWORD)


class AwayThrottle(InMemoryThrottle):
    async def clear(self, charge: Charge) -> None:
        raise DatabaseUnavailableError(retry_after=1)


async def test_a_reset_that_cannot_clear_the_guesses_leaves_the_token_good(
    auth: InMemoryAuth, ada: Account
) -> None:
    await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)
    throttle, auth.throttle = auth.throttle, AwayThrottle(auth.clock)

    with pytest.raises(DatabaseUnavailableError):
        await reset(auth, token)

    auth.throttle = throttle
    await reset(auth, token)


async def test_only_the_newest_token_is_good(auth: InMemoryAuth, ada: Account) -> None:
    await forget(auth, ada.email.display)
    before = newest_token(auth, MailKind.RESET_PASSWORD)
    await forget(auth, ada.email.display)

    with pytest.raises(LinkInvalidError):
        await reset(auth, before)
    await reset(auth, newest_token(auth, MailKind.RESET_PASSWORD))


async def test_a_weak_password_is_refused_and_leaves_the_token_good(
    auth: InMemoryAuth, ada: Account
) -> None:
    await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)

    with pytest.raises(PasswordTooShortError) as refused:
        await reset(auth, token, "short")

    assert refused.value.pointer == "/new_password"
    assert auth.hasher.runs == 0
    await reset(auth, token)


@pytest.mark.parametrize("change", ["disabled", "epoch", "expired"])
async def test_a_token_dies_with_what_it_was_made_for(
    auth: InMemoryAuth, ada: Account, change: str
) -> None:
    await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)
    (account,) = auth.accounts
    if change == "disabled":
        account.status = AccountStatus.DISABLED
    if change == "epoch":
        account.raise_epoch(auth.clock.now())
    if change == "expired":
        auth.clock.advance(timedelta(minutes=10))
    before = facts(account)

    with pytest.raises(LinkInvalidError):
        await reset(auth, token)

    (account,) = auth.accounts
    assert facts(account) == before
    assert auth.hasher.runs == 0


async def test_of_many_at_once_one_wins(auth: InMemoryAuth, ada: Account) -> None:
    await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)
    tries = [f"{NEW} number {number}" for number in range(20)]

    ends = await asyncio.gather(
        *(reset(auth, token, password) for password in tries), return_exceptions=True
    )

    (won,) = [password for password, end in zip(tries, ends, strict=True) if end is None]
    (account,) = auth.accounts
    assert account.password_hash == f"fake1:{won}"
    assert {type(end) for end in ends if end} == {LinkInvalidError}


@pytest.mark.parametrize("state", ["unknown", "disabled", "active"])
async def test_forgetting_is_one_commit_with_one_event_for_every_address(
    auth: InMemoryAuth, state: str
) -> None:
    account = AccountFactory.build()
    if state == "disabled":
        account.status = AccountStatus.DISABLED
    if state != "unknown":
        auth.accounts.put(account)

    await forget(auth, account.email.display)

    assert len(auth.published) == len(auth.mails) == 1
    assert len(mails(auth)) == (state == "active")


async def test_beyond_the_mails_per_hour_the_last_token_stays_good(
    auth: InMemoryAuth, ada: Account
) -> None:
    for _ in range(auth.mail_policy.max_per_hour):
        await forget(auth, ada.email.display)
    token = newest_token(auth, MailKind.RESET_PASSWORD)

    await forget(auth, ada.email.display)

    assert len(mails(auth)) == auth.mail_policy.max_per_hour
    await reset(auth, token)


@pytest.mark.parametrize("attack", [register, forget])
async def test_no_stranger_keeps_the_mail_from_whoever_forgot_the_password(
    auth: InMemoryAuth, ada: Account, attack: Callable[[InMemoryAuth, str], Awaitable[None]]
) -> None:
    for _ in range(auth.mail_policy.max_per_hour):
        await attack(auth, ada.email.display)
    auth.clock.advance(auth.mail_policy.token_lifetime)

    await forget(auth, ada.email.display)

    await reset(auth, newest_token(auth, MailKind.RESET_PASSWORD))
