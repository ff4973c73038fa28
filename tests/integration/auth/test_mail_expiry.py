"""Mails are forgotten, but for the registration that a renewed link has to verify."""

from __future__ import annotations

from datetime import timedelta

from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.infrastructure.mail_expiry import KEPT, MailExpiry
from app.shared.infrastructure.statements import Statements
from tests.integration.auth.conftest import StoreAccount

MOMENT = timedelta(minutes=1)

_WRITE = """
insert into auth.outgoing_mail (id, kind, account_id, address, locale, created_at, password_hash)
values (gen_random_uuid(), $1, $2, '', 'en', clock_timestamp() - $3::interval, $4)
"""
_LEFT = "select password_hash from auth.outgoing_mail"
_VERIFY = "update auth.account set email_verified_at = clock_timestamp() where id = $1"


async def test_a_mail_is_forgotten_a_day_after_it_was_written(
    statements: Statements, store_account: StoreAccount
) -> None:
    account = await store_account()
    for ago in (KEPT - MOMENT, *[KEPT + MOMENT] * 5):
        await statements.rows(_WRITE, MailKind.VERIFY_EMAIL, account.id, ago, None)

    forgotten = await MailExpiry(statements, batch=2).forget_mails()

    assert forgotten == 5


async def test_the_last_registration_of_an_address_is_kept_until_it_is_verified(
    statements: Statements, store_account: StoreAccount
) -> None:
    account, expiry = await store_account(), MailExpiry(statements)
    for age, password_hash in enumerate(("the last", "an earlier one", None), start=2):
        await statements.rows(_WRITE, MailKind.VERIFY_EMAIL, account.id, age * KEPT, password_hash)

    assert await expiry.forget_mails() == 2
    assert await statements.value(_LEFT) == "the last"

    await statements.rows(_VERIFY, account.id)
    assert await expiry.forget_mails() == 1
