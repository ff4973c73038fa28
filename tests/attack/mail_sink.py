"""What was mailed: every message that targets handed over, and the links in them."""

from __future__ import annotations

import re
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.message import EmailMessage

from tests.e2e.mailbox import link, text_of
from tests.e2e.socket.server import eventually
from tests.smtp_sink import Received, SmtpSink, smtp_sink

_LINK = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True)
class Mail:
    """One message as it was handed over."""

    received: Received

    @property
    def recipients(self) -> list[str]:
        """Of the envelope: one for each RCPT."""
        return self.received.recipients

    @property
    def message(self) -> EmailMessage:
        return self.received.message

    @property
    def text(self) -> str:
        return text_of(self.message)

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        content: str = part.get_content()
        return content

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.text)

    @property
    def token(self) -> str:
        return link(self.message)[1]


class MailSink:
    """A mail server that can be closed and opened again at its port."""

    def __init__(self, starttls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self._starttls = starttls
        self._opened: list[SmtpSink] = []
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        sink = smtp_sink(port=self.port, starttls=self._starttls)
        self._opened.append(await self._stack.enter_async_context(sink))
        self.port = self._opened[-1].port

    async def close(self) -> None:
        await self._stack.aclose()

    @property
    def mails(self) -> list[Mail]:
        return [Mail(received) for sink in self._opened for received in sink.received]

    def so_far(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if address in mail.recipients]

    async def to(self, address: str, count: int = 1, *, within: float = 60.0) -> list[Mail]:
        """The mails to the address, once there are so many."""

        async def are_there() -> bool:
            return len(self.so_far(address)) >= count

        await eventually(are_there, within=within)
        return self.so_far(address)
