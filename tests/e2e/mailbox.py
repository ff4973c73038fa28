"""The mails that an application of a test has written, as files."""

from __future__ import annotations

import asyncio
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

_TOKEN = re.compile(r"(https?://\S+)#token=([\w.-]+)")


class Mailbox:
    """Waits for a mail, however long its effect takes; a test that waits in vain is ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "mail"

    def to(self, address: str) -> list[EmailMessage]:
        """Oldest first."""
        files = sorted(self._folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        mails = [read(path) for path in files]
        return [mail for mail in mails if mail["To"] == address]

    async def newest(self, address: str, *, after: int = 0) -> EmailMessage:
        """The last mail to the address, once there are more than `after`."""
        async with asyncio.timeout(60):
            while len(found := self.to(address)) <= after:  # noqa: ASYNC110  # no event of ours
                await asyncio.sleep(0.01)
        return found[-1]

    async def token(self, address: str, *, after: int = 0) -> str:
        """What the link in the last mail carries."""
        return link(await self.newest(address, after=after))[1]


def read(path: Path) -> EmailMessage:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    content: str = part.get_content()
    return content


def link(mail: EmailMessage) -> tuple[str, str]:
    """Where the link in the mail leads, and its token."""
    found = _TOKEN.search(text_of(mail))
    assert found is not None, text_of(mail)
    return found[1], found[2]
