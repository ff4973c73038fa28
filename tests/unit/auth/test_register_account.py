"""Registering: the same answer and the same work, whoever has the address."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.application.commands.register_account import RegisterAccountHandler
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.account import AccountStatus
from app.modules.auth.domain.errors import (
    EmailInvalidError,
    PasswordGuessableError,
    PasswordTooCommonError,
    PasswordTooShortError,
)
from app.modules.auth.domain.events import RegistrationRepeated
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.testing import FakePasswordHasher, InMemoryAuth
from app.shared.domain.errors import DomainError
from tests.contract.facts import facts
from tests.factories import PASSWORD, START, AccountFactory, RegisterAccountFactory
from tests.unit.auth.post import answer_registrations, mails


def handler(auth: InMemoryAuth) -> RegisterAccountHandler:
    return RegisterAccountHandler(
        auth.uow,
        auth.hasher,
        auth.password_policy,
        auth.clock,
    )


async def test_a_new_address_gets_an_account_and_a_mail() -> None:
    auth = InMemoryAuth()

    await handler(auth)(RegisterAccountFactory.build(email=" Ada@Example.COM ", locale="de"))
    await answer_registrations(auth)

    (account,) = auth.accounts
    assert (account.email.display, account.email.key) == ("Ada@Example.COM", "ada@example.com")
    assert account.password_hash == f"fake1:{PASSWORD}"
    assert account.created_at == START
    (mail,) = mails(auth)
    assert (mail.kind, mail.address, mail.locale) == (
        MailKind.VERIFY_EMAIL,
        "Ada@Example.COM",
        "de",
    )
    assert auth.published == [AccountRegistered(account_id=account.id, locale="de")]


async def test_registering_a_verified_address_changes_nothing_and_tells_its_owner() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build(email_verified_at=START))

    await handler(auth)(
        RegisterAccountFactory.build(
            email=known.email.display.upper(), password="another long password"
        )
    )
    await answer_registrations(auth)

    (account,) = auth.accounts
    assert facts(account) == facts(known)
    (mail,) = mails(auth)
    assert (mail.kind, mail.address) == (MailKind.ALREADY_REGISTERED, known.email.display)
    assert mail.password_hash is None
    assert auth.published == [RegistrationRepeated(mail_id=mail.id)]


async def test_registering_an_unverified_address_stores_an_attempt_and_nothing_else() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build())

    await handler(auth)(
        RegisterAccountFactory.build(email=known.email.display, password="another long password")
    )
    await answer_registrations(auth)

    (account,) = auth.accounts
    assert facts(account) == facts(known)
    (mail,) = mails(auth)
    assert (mail.kind, mail.password_hash) == (
        MailKind.VERIFY_EMAIL,
        "fake1:another long password",
    )


async def test_a_disabled_account_gets_no_mail() -> None:
    auth = InMemoryAuth()
    known = auth.accounts.put(AccountFactory.build(status=AccountStatus.DISABLED))

    await handler(auth)(RegisterAccountFactory.build(email=known.email.display))
    await answer_registrations(auth)

    assert mails(auth) == []
    assert len(auth.published) == 1


async def test_an_address_gets_no_more_than_its_mails_per_hour() -> None:
    auth = InMemoryAuth()
    register = handler(auth)
    for _ in range(9):
        await register(RegisterAccountFactory.build(email="ada@example.com"))
    await answer_registrations(auth)

    auth.clock.advance(timedelta(minutes=61))
    await register(RegisterAccountFactory.build(email="ada@example.com"))
    await answer_registrations(auth)

    assert len(mails(auth)) == auth.mail_policy.max_per_hour + 1
    assert len(auth.published) == 10


@pytest.mark.parametrize("known", [True, False])
async def test_a_known_and_a_new_address_cost_one_hash_and_one_event(known: bool) -> None:
    auth = InMemoryAuth()
    if known:
        auth.accounts.put(AccountFactory.build())

    await handler(auth)(RegisterAccountFactory.build(email=AccountFactory.build().email.display))

    assert auth.hasher.runs == 1
    assert len(auth.published) == 1


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("email", "nobody", EmailInvalidError),
        ("password", "too short", PasswordTooShortError),
        ("password", "passwordpassword", PasswordTooCommonError),
        ("password", "bulkheadbulkhead", PasswordGuessableError),
    ],
)
async def test_bad_input_is_refused_before_anything_is_hashed(
    field: str, value: str, refusal: type[DomainError]
) -> None:
    auth = InMemoryAuth()

    with pytest.raises(refusal):
        await handler(auth)(RegisterAccountFactory.build(**{field: value}))

    assert auth.hasher.runs == 0
    assert not auth.accounts


async def test_the_hasher_hears_who_asks() -> None:
    auth = InMemoryAuth()
    auth.hasher = hasher = ListeningHasher()

    await handler(auth)(RegisterAccountFactory.build(client="192.0.2.1"))

    assert hasher.clients == ["192.0.2.1"]


def test_neither_the_address_nor_the_password_is_in_the_representation() -> None:
    message = RegisterAccountFactory.build(email="ada@example.com")

    assert "ada" not in repr(message)
    assert PASSWORD not in repr(message)


class ListeningHasher(FakePasswordHasher):
    def __init__(self) -> None:
        super().__init__()
        self.clients: list[str | None] = []

    async def hash(self, password: str, *, client: str | None = None) -> str:
        self.clients.append(client)
        return await super().hash(password, client=client)
