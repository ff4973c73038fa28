"""Mail as a port: one message to one address, and how sending it may end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

_ADDRESS = re.compile(
    r"(?=.{3,254}\Z)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
)
"""One bare address: nothing that a header, an envelope or a list of addresses is made of."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message to exactly one recipient; raises `ValueError` when made for any other number."""

    to: str = field(repr=False)
    """A bare address in ASCII; a domain of other letters is in its IDNA form."""
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    """The same in HTML, for those who prefer that; it needs nothing from anywhere else."""

    def __post_init__(self) -> None:
        # Neither message quotes: what is wrong may be somebody's address.
        if not _ADDRESS.fullmatch(self.to):
            raise ValueError("a mail goes to one bare address")
        if _CONTROL.search(self.subject):
            raise ValueError("a subject is one line")


class MailServerAwayError(Exception):
    """The server is out of reach, slow, or asks to come again; it may have taken the mail."""


class MailServerRefusesError(Exception):
    """The server would take no mail like this from us: login, sender, certificate or policy.

    Only the operator can do something about it.
    """


@runtime_checkable
class Mailer(Protocol):
    """Sends a mail, at least once for each idempotency key.

    A repetition has the same `Message-ID`, by which a mailbox may know it again.
    """

    async def send(self, mail: Mail, *, idempotency_key: str) -> None:
        """Return when the server has taken it over.

        Raises `Discard` when the recipient's side refused it for good. Raises
        `MailServerAwayError` and `MailServerRefusesError`: then it is worth trying again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPreview:
    """What a kind of mail looks like in a language, with made-up facts."""

    name: str
    """`<module>.<kind>`."""
    language: str
    mail: Mail
