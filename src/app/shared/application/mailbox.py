"""The mailbox of development as a port: what would have gone out, to be read on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """A mail as it is kept, read again from what would have been sent."""

    id: str
    sent_at: datetime
    sender: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    raw: bytes = field(repr=False)


@runtime_checkable
class Mailbox(Protocol):
    """The newest mails; who sends them keeps only so many."""

    async def newest(self) -> Sequence[KeptMail]:
        """All that are kept, the newest first."""
        ...

    async def find(self, id: str) -> KeptMail | None:  # noqa: A002  # what a mail calls it, too
        ...

    async def clear(self) -> None: ...
