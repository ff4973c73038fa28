"""GET /users: pages, search and order, with e-mail and status from `auth`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.contracts.directory import AccountFacts
from app.modules.auth.contracts.events import AccountDeleted
from app.modules.users.application.queries.list_users import UserOrder, page_statement
from app.modules.users.domain.profile import Profile, ProfileChanges
from app.modules.users.testing import InMemoryAccountDirectory
from app.shared.domain.ids import new_id
from app.shared.infrastructure.statements import Statements
from app.shared.testing import ModuleHarness, as_account
from tests.integration.users.conftest import UsersWork

PATH = "/api/v1/users"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE: list[ProfileChanges] = [
    {"display_name": "Ada Lovelace", "handle": "Ada_1815"},
    {"display_name": "grace hopper", "handle": "amazing"},
    {"display_name": "Zoë Ås"},
    {"display_name": "100% Émile_"},
    {"display_name": "ada lovelace"},
    {"display_name": ""},
    {"display_name": "Bo\\b"},
]


@pytest.fixture
async def ids(users_work: UsersWork, statements: Statements) -> list[UUID]:
    """The accounts of `PEOPLE`, who came one after the other, the last two at the same moment.

    They lie in the table in the opposite order, and PostgreSQL knows that it is quickest to sort
    them: neither the heap nor an index gives an order that nobody asked for.
    """
    made = [new_id() for _ in PEOPLE]
    for number, said in reversed(list(enumerate(PEOPLE))):
        now = NOW + timedelta(microseconds=min(number, 5))
        profile = Profile.create(account_id=made[number], now=now)
        profile.edit(said, now=now)
        async with users_work() as work:
            work.profiles.add(profile)
            await work.commit()
    await statements.rows("analyze users.profile")
    return made


class Administrator:
    """Asks for users."""

    def __init__(self, users: ModuleHarness, client: httpx.AsyncClient) -> None:
        self._client = client
        self._headers = users.headers_of(as_account(roles=frozenset({"admin"})))

    async def page(self, **asked: Any) -> httpx.Response:
        return await self._client.get(PATH, params=asked, headers=self._headers)

    async def pages(self, **asked: Any) -> AsyncIterator[list[dict[str, Any]]]:
        cursor: dict[str, str] = {}
        while True:
            answer = await self.page(**asked, **cursor)
            assert answer.status_code == 200, answer.text
            yield answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return
            cursor = {"cursor": answer.json()["next_cursor"]}

    async def all(self, **asked: Any) -> list[UUID]:
        return [UUID(one["account_id"]) async for page in self.pages(**asked) for one in page]


@pytest.fixture
def admin(users: ModuleHarness, client: httpx.AsyncClient) -> Administrator:
    return Administrator(users, client)


async def test_an_entry_shows_the_profile_and_what_auth_knows(
    admin: Administrator, ids: list[UUID], accounts: InMemoryAccountDirectory
) -> None:
    accounts.known[ids[0]] = AccountFacts(
        account_id=ids[0], email="ada@example.com", status="disabled"
    )

    answer = await admin.page(sort="created_at", limit=2)

    ada, grace = answer.json()["items"]
    assert ada == {
        "account_id": str(ids[0]),
        "display_name": "Ada Lovelace",
        "handle": "Ada_1815",
        "created_at": "2026-01-01T00:00:00Z",
        "email": "ada@example.com",
        "status": "disabled",
    }
    assert (grace["email"], grace["status"]) == (None, None)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created_at", [0, 1, 2, 3, 4, 5, 6]),
        ("display_name", [5, 3, 0, 4, 6, 1, 2]),
        ("handle", [2, 3, 4, 5, 6, 0, 1]),
    ],
)
async def test_every_user_is_on_one_page_in_the_order_asked_for(
    admin: Administrator, ids: list[UUID], sort: str, order: list[int]
) -> None:
    for limit in (1, 2, 3, 7, 200):
        forwards = await admin.all(sort=sort, limit=limit)
        backwards = await admin.all(sort=f"-{sort}", limit=limit)

        assert [ids.index(one) for one in forwards] == order
        assert backwards == forwards[::-1]


async def test_the_newest_are_first_where_nothing_is_said(
    admin: Administrator, ids: list[UUID]
) -> None:
    assert await admin.all() == ids[::-1]


async def test_a_full_last_page_is_the_last(
    admin: Administrator, ids: list[UUID], statements: Statements
) -> None:
    for count, lengths in {4: [2, 2], 3: [2, 1], 2: [2], 1: [1], 0: [0]}.items():
        await statements.rows("delete from users.profile where account_id <> all ($1)", ids[:count])

        assert [len(page) async for page in admin.pages(limit=2)] == lengths


async def test_a_search_finds_parts_of_names_and_handles_and_takes_every_character_literally(
    admin: Administrator, ids: list[UUID]
) -> None:
    for q, found in {
        "ada": [0, 4],
        "ADA": [0, 4],
        "lace": [0, 4],
        "ada_": [0],
        "1815": [0],
        "ZOË å": [2],
        "ÉMILE": [3],
        "%": [3],
        "_": [0, 3],
        "\\": [6],
        "o\\b": [6],
        "' or true --": [],
        "nobody": [],
        "": [0, 1, 2, 3, 4, 5, 6],
    }.items():
        matching = await admin.all(q=q, sort="created_at", limit=1)

        assert [ids.index(one) for one in matching] == found, q


async def test_whoever_was_erased_is_not_listed(
    admin: Administrator, ids: list[UUID], users: ModuleHarness
) -> None:
    await users.publish(AccountDeleted(account_id=ids[0]))
    await users.settle()

    for sort in UserOrder:
        assert ids[0] not in await admin.all(sort=sort)


async def test_what_comes_and_goes_between_two_pages_doubles_and_hides_nobody_else(
    admin: Administrator, ids: list[UUID], users_work: UsersWork, users: ModuleHarness
) -> None:
    pages = admin.pages(sort="created_at", limit=3)
    first = [UUID(one["account_id"]) for one in await anext(pages)]
    newcomer = Profile.create(account_id=new_id(), now=NOW - timedelta(days=1))
    async with users_work() as work:
        work.profiles.add(newcomer)
        await work.commit()
    await users.publish(AccountDeleted(account_id=ids[2]))
    await users.settle()

    rest = [UUID(one["account_id"]) async for page in pages for one in page]

    assert first + rest == ids


async def test_a_cursor_of_another_question_is_refused(
    admin: Administrator, ids: list[UUID]
) -> None:
    cursor = (await admin.page(sort="created_at", limit=1)).json()["next_cursor"]

    for question in (
        {"sort": "-created_at"},
        {"sort": "handle"},
        {"q": "ada"},
        {"cursor": "x"},
        {"cursor": ""},
    ):
        answer = await admin.page(**{"cursor": cursor, "sort": "created_at", **question})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")
        assert answer.json()["errors"][0]["pointer"] == "/query/cursor"


async def test_a_page_may_be_of_another_length_than_the_one_before(
    admin: Administrator, ids: list[UUID]
) -> None:
    cursor = (await admin.page(sort="created_at", limit=1)).json()["next_cursor"]

    answer = await admin.page(sort="created_at", limit=4, cursor=cursor)

    assert [UUID(one["account_id"]) for one in answer.json()["items"]] == ids[1:5]


async def test_a_question_that_does_not_fit_is_refused(admin: Administrator) -> None:
    for question in (
        {"limit": 0},
        {"limit": 201},
        {"limit": -1},
        {"limit": "many"},
        {"sort": "email"},
        {"sort": "created_at desc"},
        {"sort": ""},
        {"q": "x" * 101},
        {"q": "\0"},
        {"cursor": "x" * 2049},
    ):
        answer = await admin.page(**question)

        assert (answer.status_code, answer.json()["code"]) == (422, "validation"), question


async def test_nobody_but_administrators_sees_the_list(
    users: ModuleHarness, client: httpx.AsyncClient
) -> None:
    answer = await client.get(PATH, headers=users.headers_of(as_account()))
    nobodys = await client.get(PATH)

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert nobodys.status_code == 401


@pytest.mark.parametrize("sort", UserOrder)
@pytest.mark.parametrize("beyond", [False, True])
async def test_every_page_is_read_from_where_it_begins_in_an_index(
    engine: AsyncEngine, sort: UserOrder, beyond: bool
) -> None:
    statement = page_statement(sort, beyond=beyond)
    key = "2026-01-01" if "created_at" in sort else "ada"
    place = {"$1": "51", "$2": "''", "$3": f"'{key}'", "$4": f"'{new_id()}'"}
    for name, value in place.items():
        statement = statement.replace(name, value)

    async with engine.connect() as connection:
        # A handful of rows is sorted faster than it is looked up.
        await connection.exec_driver_sql("set local enable_sort = off")
        await connection.exec_driver_sql("set local enable_seqscan = off")
        plan = "\n".join(await connection.scalars(text(f"explain {escaped(statement)}")))

    assert f"using ix_profile_{sort.removeprefix('-')}" in plan
    assert ("Index Cond: (ROW" in plan) == beyond
    assert "Sort" not in plan


def escaped(statement: str) -> str:
    """Casts are no parameters of SQLAlchemy's."""
    return statement.replace(":", "\\:")
