"""Starts processes to attack, and keeps those that other tests may use as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path

from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.infrastructure.database_clock import DatabaseClock
from app.shared.infrastructure.statements import Statements
from tests.attack.counted import VARIABLE as HASHES
from tests.attack.mail_sink import MailSink
from tests.attack.size import sized
from tests.attack.target import Target
from tests.e2e.socket.nursery import PRODUCT
from tests.e2e.socket.server import environment
from tests.e2e.visitor import PUBLIC_URL
from tests.smtp_sink import Authority

COUNTED = "tests.attack.counted"
PATIENT = {"AUTH_PASSWORD_QUEUE": "1024", "AUTH_LOGIN_FIRST_WAIT": str(sized(60, 1))}
"""A slow machine must not turn a crowd into an outage, nor wait long enough for another guess."""

ORIGIN = "https://pages.example"

Way = Callable[[str], Awaitable[str]]


class Targets:
    """Starts what a test asks for, and keeps what others may use as well."""

    def __init__(
        self, new_database: Callable[[], Awaitable[str]], new_folder: Callable[[], Path]
    ) -> None:
        self._new_database = new_database
        self._new_folder = new_folder
        self._shared: dict[frozenset[object], Target] = {}
        self._started: list[Target] = []
        self._authority = Authority.make()
        self._sink = MailSink()
        self._sink_with_tls = MailSink(self._authority.server_context(new_folder()))

    async def open(self) -> None:
        await self._sink.open()
        await self._sink_with_tls.open()

    async def shared(self, **settings: str) -> Target:
        """The one with these settings, on which other tests were before; its hashes are counted."""
        return await self._shared_one(COUNTED, settings)

    async def in_production(self) -> Target:
        """The one with all that production asks for; pages of one other origin may read it."""
        required = {"APP_ENVIRONMENT": "production", "MAIL_CA": self._authority.pem}
        origin = {"APP_CORS_ORIGINS": ORIGIN, "APP_CORS_CREDENTIALS": "true"}
        return await self._shared_one(PRODUCT, required | origin)

    async def start(self, **settings: str) -> Target:
        """A new one."""
        return await self._start(PRODUCT, settings)

    async def start_through(self, way: Way) -> Target:
        """A new one, which reaches its database by what the way makes of its URL."""
        return await self._start(PRODUCT, {}, way)

    def judge(self) -> None:
        for target in self._started:
            target.judge()

    async def close(self) -> None:
        try:
            for target in self._started:
                await target.close()
            self.judge()
        finally:
            for target in self._started:
                await target.discard()
            await self._sink.close()
            await self._sink_with_tls.close()

    async def _shared_one(self, module: str, settings: Mapping[str, str]) -> Target:
        key = frozenset([module, *settings.items()])
        if key not in self._shared:
            self._shared[key] = await self._start(module, settings)
        return self._shared[key]

    async def _start(
        self, module: str, settings: Mapping[str, str], way: Way | None = None
    ) -> Target:
        folder, url = self._new_folder(), await self._new_database()
        KeyRing.ensure(folder / "keys", DatabaseClock(), publish_ahead=timedelta(minutes=5))
        sink = self._sink_with_tls if "MAIL_CA" in settings else self._sink
        scheme = "smtp" if "MAIL_CA" in settings else "smtp+plain"
        usual = {
            "APP_PUBLIC_URL": PUBLIC_URL,
            "MAIL_URL": f"{scheme}://127.0.0.1:{sink.port}",
            "MAIL_SENDER": "Bulkhead <no-reply@bulkhead.example>",
            HASHES: str(folder / "hashes"),
            **PATIENT,
        }
        env = environment(await way(url) if way else url, folder, **{**usual, **settings})
        statements = Statements(url, pool_size=3, pool_timeout=60, connect_timeout=60)
        target = Target(module, env, folder, url, statements, sink)
        self._started.append(target)
        await target.serve()
        return target
