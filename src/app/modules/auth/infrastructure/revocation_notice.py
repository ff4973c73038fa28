"""Tells every process that something was revoked."""

from __future__ import annotations

import asyncio

import structlog

from app.shared.infrastructure.failures import warn
from app.shared.infrastructure.statements import Statements

CHANNEL = "auth_revocation"
_LAST_WORDS_SECONDS = 2.0

_NOTIFY = """
-- Make every process look for revocations.
select pg_notify($1, '')
"""

_log = structlog.get_logger("app.auth")


class RevocationNotice:
    """A NOTIFY without content, after the commit that revoked and beside the request.

    Not within that commit: PostgreSQL lets commits that notify pass one after the other, each with
    its own write to the disk. Of what is revoked while one is on its way all is told by the next.
    It is a hint: where it fails, the others see the revocation when they next look by themselves.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._due = False
        self._failed = False
        self._sending: asyncio.Task[None] | None = None

    def send(self) -> None:
        self._due = True
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="notify of revocations")

    async def close(self) -> None:
        """What is on its way gets two seconds more."""
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=_LAST_WORDS_SECONDS)
            self._sending.cancel()

    async def _send(self) -> None:
        while self._due:
            self._due = False
            try:
                await self._statements.value(_NOTIFY, CHANNEL)
            except Exception as error:
                if not self._failed:
                    warn(_log, "revocations are not told at once", error)
                self._failed = True
            else:
                self._failed = False
