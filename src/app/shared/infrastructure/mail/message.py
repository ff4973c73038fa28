"""A mail as bytes (RFC 5322), in which no value can become a header or a second recipient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from app.shared.application.mailer import Mail

_SENDER = re.compile(
    r"""(?P<name>[^<>@,;:"\\\x00-\x1f\x7f]*?)\s*<(?P<address>[^<>@\s,;:]+@[A-Za-z0-9.-]+)>"""
)
_WIRE = policy.SMTP.clone(cte_type="7bit")
"""Lines that end as SMTP's do, and nothing that a server must announce to understand."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who mails come from, as it is shown, and the address in the envelope."""

    name: str
    address: str

    @classmethod
    def parse(cls, written: str) -> Sender:
        """`Name <name@example.com>`; raises `ValueError`, which does not quote it."""
        match = _SENDER.fullmatch(written.strip())
        if match is None or not match["name"] or not match["address"].isascii():
            raise ValueError("is not like Name <name@example.com>")
        return cls(match["name"], match["address"])

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def message_of(mail: Mail, sender: Sender, idempotency_key: str) -> bytes:
    """The message with a `Message-ID` that is the same for the same key."""
    message = EmailMessage(policy=_WIRE)
    message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{sha256(idempotency_key.encode()).hexdigest()[:40]}@{sender.domain}>"
    # RFC 3834: nobody's absence note answers it.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()
