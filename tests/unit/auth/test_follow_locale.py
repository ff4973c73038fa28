"""The language of an account's mails follows its profile."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.modules.auth.application.reactions.follow_locale import FollowLocale
from app.modules.auth.testing import InMemoryAuth
from app.modules.users.contracts.events import ProfileUpdated
from app.shared.domain.ids import new_id
from tests.factories import AccountFactory


async def follow(auth: InMemoryAuth, account_id: UUID, *changes: tuple[str, int]) -> None:
    for locale, version in changes:
        event = ProfileUpdated(account_id=account_id, locale=locale, profile_version=version)
        async with auth.uow() as work:
            await FollowLocale()(event, work)
            await work.commit()


async def test_an_account_takes_the_language_of_its_profile() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build(locale="de"))

    await follow(auth, account.id, ("pt-BR", 2))

    assert auth.accounts.rows[account.id].locale == "pt-BR"


@pytest.mark.parametrize(
    "late",
    [
        [("de", 2)],
        [("de", 2), ("fr", 3)],
        [("de", 2), ("fr", 3), ("es", 4)],
        [("es", 4)],
    ],
)
async def test_what_is_replayed_or_revived_undoes_nothing(late: list[tuple[str, int]]) -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())
    await follow(auth, account.id, ("de", 2), ("fr", 3), ("es", 4))

    await follow(auth, account.id, *late)

    assert auth.accounts.rows[account.id].locale == "es"


async def test_nothing_else_about_the_account_changes() -> None:
    auth = InMemoryAuth()
    account = auth.accounts.put(AccountFactory.build())

    await follow(auth, account.id, ("de", 2))

    assert auth.accounts.rows[account.id].auth_epoch == account.auth_epoch
    assert (auth.revoked, auth.published) == ([], [])


async def test_a_profile_whose_account_is_gone_is_nobodys() -> None:
    auth = InMemoryAuth()

    await follow(auth, new_id(), ("de", 2))

    assert not auth.accounts
