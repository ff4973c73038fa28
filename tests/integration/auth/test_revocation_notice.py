"""Telling the others: after the commit, beside the request, and never at its expense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from app.modules.auth.infrastructure import revocation_notice
from app.modules.auth.infrastructure.revocation_notice import CHANNEL, RevocationNotice
from app.shared.infrastructure.statements import Statements


class Heard:
    """What a connection was notified of."""

    def __init__(self) -> None:
        self.payloads: asyncio.Queue[object] = asyncio.Queue()

    def __call__(self, *notification: object) -> None:
        self.payloads.put_nowait(notification[-1])


@pytest.fixture
async def heard(database: str) -> AsyncIterator[Heard]:
    heard = Heard()
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    await connection.add_listener(CHANNEL, heard)
    yield heard
    await connection.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that halts for two seconds must not cut a notice short."""
    monkeypatch.setattr(revocation_notice, "_LAST_WORDS_SECONDS", 60)


class HeldStatements(Statements):
    """None of them ends before it is told to."""

    at_once = most_at_once = 0

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=5, pool_timeout=60, connect_timeout=60)
        self.go_on = asyncio.Event()

    async def value(self, sql: str, *args: Any) -> Any:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await self.go_on.wait()
        self.at_once -= 1
        return await super().value(sql, *args)


@pytest.fixture
async def held(database: str) -> AsyncIterator[HeldStatements]:
    held = HeldStatements(database)
    yield held
    await held.close()


async def test_a_notice_has_no_content(statements: Statements, heard: Heard) -> None:
    notice = RevocationNotice(statements)

    notice.send()

    assert await heard.payloads.get() == ""


async def test_what_is_revoked_at_once_is_told_once(statements: Statements, heard: Heard) -> None:
    notice = RevocationNotice(statements)

    for _ in range(1_000):
        notice.send()
    await notice.close()
    await statements.value("select pg_notify($1, 'the end')", CHANNEL)

    told = [await heard.payloads.get()]
    while told[-1] != "the end":
        told.append(await heard.payloads.get())
    assert told == ["", "the end"]


async def test_what_is_revoked_while_a_notice_is_on_its_way_is_told_by_another(
    statements: Statements, heard: Heard
) -> None:
    notice = RevocationNotice(statements)
    notice.send()
    await asyncio.sleep(0)

    notice.send()
    await notice.close()

    assert [await heard.payloads.get() for _ in range(2)] == ["", ""]


async def test_one_notice_is_on_its_way_at_a_time(held: HeldStatements) -> None:
    notice = RevocationNotice(held)
    for _ in range(5):
        notice.send()
        await asyncio.sleep(0)

    held.go_on.set()
    await notice.close()

    assert held.most_at_once == 1


async def test_a_notice_that_fails_is_logged_once_and_fails_nobody(unreachable_url: str) -> None:
    away = Statements(unreachable_url, pool_size=1, pool_timeout=1)
    notice = RevocationNotice(away)

    with capture_logs() as told:
        for _ in range(3):
            notice.send()
            await notice.close()

    assert [each["event"] for each in told] == ["revocations are not told at once"]
    await away.close()


async def test_whoever_ends_waits_for_the_last_notice(statements: Statements, heard: Heard) -> None:
    notice = RevocationNotice(statements)
    notice.send()

    await notice.close()

    assert heard.payloads.qsize() == 1 or await heard.payloads.get() == ""
