"""The service as the machine uses it: over HTTP, its mails read from its folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

from app.modules.auth.domain.mail_kind import MailKind
from app.shared.infrastructure.statements import Statements
from app.shared.process import Process
from tests.e2e.mailbox import link, read, text_of
from tests.e2e.visitor import Pair, Visitor, bearer
from tests.life.model import Sent


class Service:
    """An application without a running dispatcher: what is owed is delivered after each deed."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        process: Process,
        statements: Statements,
        folder: Path,
        name: str,
        admin: Pair,
        kind_of: Callable[[EmailMessage], MailKind],
    ) -> None:
        self.visitor = Visitor(client)
        self._client = client
        self._process = process
        self._statements = statements
        self._folder = folder / "mail"
        self._name = name
        self._admin = admin
        self._kind_of = kind_of
        self._read: set[Path] = set(self._folder.glob("*.eml"))
        self.people: list[str] = []
        """The ids of accounts in the order of their making."""
        self.pairs: dict[int, Pair] = {}
        self.tokens: list[tuple[MailKind, str]] = []

    def address(self, place: int) -> str:
        return f"person{place}@{self._name}.example.com"

    async def do(
        self, doing: Callable[[Service], Coroutine[Any, Any, int]]
    ) -> tuple[int, list[tuple[Sent, str]]]:
        [status], sent = await self.do_at_once([doing])
        return status, sent

    async def do_at_once(
        self, doings: Sequence[Callable[[Service], Coroutine[Any, Any, int]]]
    ) -> tuple[list[int], list[tuple[Sent, str]]]:
        statuses = await asyncio.gather(*(doing(self) for doing in doings))
        await self._process.dispatcher.drain()
        await self._meet_people()
        return list(statuses), self._collect()

    async def register(self, address: str, password: str) -> int:
        return (await self.visitor.register(address, password)).status_code

    async def log_in(self, address: str, password: str, login: int) -> int:
        return self._keep(await self.visitor.log_in(address, password), login)

    async def use(self, login: int) -> int:
        return (await self.visitor.account(self.pairs[login].access_token)).status_code

    async def refresh(self, login: int) -> int:
        return self._keep(await self.visitor.refresh(self.pairs[login].refresh_token), login)

    async def log_out(self, login: int) -> int:
        pair = self.pairs[login]
        return (await self.visitor.log_out(refresh_token=pair.refresh_token)).status_code

    async def verify(self, token: str) -> int:
        return await self._post("email/verify", {"token": token})

    async def resend(self, address: str) -> int:
        return await self._post("email/resend", {"email": address})

    async def forget(self, address: str) -> int:
        return await self._post("password/forgot", {"email": address})

    async def reset(self, token: str, password: str) -> int:
        return await self._post("password/reset", {"token": token, "new_password": password})

    async def change_password(self, login: int, current: str, new: str, opened: int) -> int:
        answer = await self._client.post(
            "/api/v1/auth/password/change",
            json={"current_password": current, "new_password": new},
            headers=bearer(self.pairs[login].access_token),
        )
        return self._keep(answer, opened)

    async def change_address(self, login: int, current: str, new: str) -> int:
        body = {"new_email": new, "current_password": current}
        return await self._post("email/change", body, self.pairs[login])

    async def confirm(self, token: str) -> int:
        return await self._post("email/change/confirm", {"token": token})

    async def delete(self, login: int, current: str) -> int:
        return await self._post("account/delete", {"current_password": current}, self.pairs[login])

    async def disable(self, number: int) -> int:
        return await self._administer(number, "disable")

    async def enable(self, number: int) -> int:
        return await self._administer(number, "enable")

    async def _administer(self, number: int, what: str) -> int:
        known = number <= len(self.people)
        account = self.people[number - 1] if known else "00000000-0000-7000-8000-000000000000"
        return await self._post(f"accounts/{account}/{what}", None, self._admin)

    async def _post(self, path: str, body: object, pair: Pair | None = None) -> int:
        answer = await self._client.post(
            f"/api/v1/auth/{path}",
            json=body,
            headers=bearer(pair.access_token) if pair else {},
        )
        return answer.status_code

    def _keep(self, answer: httpx.Response, login: int) -> int:
        if answer.status_code == 200:
            self.pairs[login] = Pair.of(answer)
        return answer.status_code

    async def _meet_people(self) -> None:
        rows = await self._statements.rows(
            "select id::text from auth.account where email_key like $1 order by id",
            f"%@{self._name}.example.com",
        )
        self.people += [row["id"] for row in rows if row["id"] not in self.people]

    def _collect(self) -> list[tuple[Sent, str]]:
        files = [path for path in self._folder.glob("*.eml") if path not in self._read]
        self._read.update(files)
        found = []
        for path in sorted(files, key=lambda path: path.stat().st_mtime_ns):
            mail = read(path)
            kind = self._kind_of(mail)
            token = link(mail)[1] if "#token=" in text_of(mail) else ""
            if token:
                self.tokens.append((kind, token))
            found.append(((str(mail["To"]), kind), token))
        return found
