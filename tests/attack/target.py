"""A process to attack, on a database of its own, and what must hold wherever it is hit."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.shared.infrastructure.statements import Statements
from tests.attack.attacker import Attacker
from tests.attack.mail_sink import MailSink
from tests.attack.wire import Wire
from tests.e2e.passing_time import StoredSessions
from tests.e2e.socket.server import IDLE, Server, eventually, free_port, limits
from tests.e2e.visitor import PUBLIC_URL, Pair

OWED = "SELECT count(*) FROM messaging.delivery WHERE dead_at IS NULL"
PASS_THROTTLES = """
UPDATE auth.throttle SET forgiven_at = forgiven_at - $1 * interval '1 second',
    next_at = next_at - $1 * interval '1 second'
"""
PASS_LEASES = "UPDATE messaging.delivery SET available_at = now() WHERE dead_at IS NULL"
PROMOTE = """
UPDATE auth.account SET roles = '{user,admin}', email_verified_at = clock_timestamp()
WHERE email_key = $1
"""

_addresses = count(1)
_NO_TLS = ssl.create_default_context()
"""One for all: to make one takes longer than to ask."""


@dataclass
class Target:
    """A server that can die and come back, and everything that went over the wire."""

    module: str
    env: Mapping[str, str]
    folder: Path
    database_url: str
    statements: Statements
    sink: MailSink
    port: int = field(default_factory=free_port)
    wire: Wire = field(default_factory=Wire)
    servers: list[Server] = field(default_factory=list)
    """The last one is the one that runs, if any does."""
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    defects_allowed: bool = False
    """Whether the present test makes the product fail, so that its log may show exceptions."""
    _read: dict[Path, int] = field(default_factory=dict)

    async def serve(self) -> None:
        """Once more, if it was running before; returns when it is ready."""
        log_file = self.folder / f"server-{len(self.servers)}.log"
        command = ["serve", "--port", str(self.port)]
        server = Server.start(command, self.env, log_file, module=self.module)
        server.url = self.url
        self.servers.append(server)
        await server.ready()

    @property
    def server(self) -> Server:
        return self.servers[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stored(self) -> StoredSessions:
        return StoredSessions(self.statements)

    @property
    def keys_dir(self) -> Path:
        return self.folder / "keys"

    def client(self, *, timeout: float = 60) -> httpx.AsyncClient:
        """With an address of its own, so that nobody is throttled for what others did."""
        nth = next(_addresses)
        transport = httpx.AsyncHTTPTransport(
            limits=limits(IDLE),
            verify=_NO_TLS,
            local_address=f"127.1.{nth // 250}.{nth % 250 + 1}",
        )
        client = httpx.AsyncClient(
            base_url=self.url,
            timeout=timeout,
            transport=transport,
            headers={"Host": urlsplit(PUBLIC_URL).netloc},
            event_hooks={"response": [self.wire.hear]},
        )
        self.clients.append(client)
        return client

    def attacker(self, *, timeout: float = 60) -> Attacker:
        return Attacker(self.client(timeout=timeout))

    async def administrator(self) -> Pair:
        """The first pair of a new one."""
        admin = self.attacker()
        await admin.register(admin.email)
        await self.statements.rows(PROMOTE, admin.email)
        return Pair.of(await admin.log_in(admin.email))

    async def let_throttles_pass(self, seconds: float) -> None:
        """As if nobody had tried anything for so long."""
        await self.statements.rows(PASS_THROTTLES, float(seconds))

    async def verified(self, newcomer: Attacker) -> Pair:
        """The first pair of an account that has shown that its address is its own."""
        registered = await newcomer.register(newcomer.email)
        assert registered.status_code == 202, registered.text
        [mail] = await self.sink.to(newcomer.email)
        answer = await newcomer.verify(mail.token)
        assert answer.status_code == 204, answer.text
        return Pair.of(await newcomer.log_in(newcomer.email))

    def hashes(self) -> list[str]:
        """The cost of each run of Argon2 until now; only of a counted target."""
        return (self.folder / "hashes").read_text().splitlines()

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.server.log().splitlines()]

    async def let_leases_pass(self) -> None:
        """As if processes that died had done so long ago."""
        await self.statements.rows(PASS_LEASES)

    async def settle(self, *, within: float = 60.0) -> None:
        """Wait until nothing is owed any more, mails included."""

        async def is_settled() -> bool:
            return bool(await self.statements.value(OWED) == 0)

        await eventually(is_settled, within=within)

    def judge(self) -> None:
        """The everywhere-assertions, about all that happened since the last judgement."""
        log = "".join(self._news_of(server.log_file) for server in self.servers)
        lines = [json.loads(line) for line in log.splitlines()]
        defects = [line for line in lines if "exception" in line and not self.defects_allowed]
        self.defects_allowed = False
        faults, secrets = self.wire.faults(), self.wire.secrets_in(log)
        assert not faults, faults
        assert not secrets, secrets
        assert not defects, defects
        assert [mail for mail in self.sink.mails if len(mail.recipients) != 1] == []

    async def close(self) -> None:
        """In an orderly way, unless it is dead already."""
        await self.close_clients()
        if self.server.process.poll() is None:
            await self.server.end()

    async def close_clients(self) -> None:
        while self.clients:
            await self.clients.pop().aclose()

    async def discard(self) -> None:
        """Whatever state it is in."""
        await self.close_clients()
        for server in self.servers:
            server.kill()
        await self.statements.close()

    def _news_of(self, log_file: Path) -> str:
        """Its lines since the last time; the last one may have been cut by a death."""
        with log_file.open("rb") as log:
            log.seek(self._read.get(log_file, 0))
            news = log.read()
            complete = news[: news.rfind(b"\n") + 1]
            self._read[log_file] = self._read.get(log_file, 0) + len(complete)
        return complete.decode()
