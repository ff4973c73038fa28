"""Decides when two e-mail addresses are the same one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import idna
from email_validator import EmailNotValidError, validate_email

from app.modules.auth.domain.errors import EmailInvalidError

_MAX_LENGTH = 254
"""RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets."""

_BLANKS = " \t"

_LOCAL_PART = re.compile(
    r"(?=.{1,64}\Z)(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
)
"""A dot-atom of RFC 5321 §4.1.2: no quotes, no comments, ASCII only. Nothing that begins an encoded
word (RFC 2047 §2) either, which a mail's header would say something else with."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?![0-9]+\Z){_LABEL}")
"""At least two labels, the last one not a number, so no IP address."""


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as it was typed, and the key that makes it one identity.

    The key is the local part lower-cased within ASCII, and the domain in IDNA form (UTS 46,
    non-transitional) lower-cased. Addresses are equal when their keys are: dots, tags and
    look-alike letters make different addresses.
    """

    display: str = field(compare=False)
    key: str

    @property
    def mailbox(self) -> str:
        """Where mail goes: the local part as it was typed, the domain in ASCII."""
        return f"{self.display.partition('@')[0]}@{self.key.partition('@')[2]}"

    @classmethod
    def parse(cls, raw: str) -> EmailAddress:
        """Raises `EmailInvalidError`; blanks around the address are dropped."""
        key = email_key(raw)
        if key is None:
            raise EmailInvalidError
        try:
            # Knows what no syntax tells: the domains reserved for other things than mail.
            validate_email(
                key, allow_smtputf8=False, check_deliverability=False, test_environment=True
            )
        except EmailNotValidError:
            raise EmailInvalidError from None
        return cls(raw.strip(_BLANKS), key)


def email_key(raw: str) -> str | None:
    """The key of an address, or None for what can be none; the cheap way, made for login.

    Where `EmailAddress.parse` accepts, this is its key.
    """
    address = raw.strip(_BLANKS)
    if len(address) > _MAX_LENGTH:
        return None
    local, _, typed_domain = address.partition("@")
    if _LOCAL_PART.fullmatch(local) is None:
        return None
    domain = _domain_key(typed_domain)
    if domain is None or len(local) + 1 + len(domain) > _MAX_LENGTH:
        return None
    return f"{local.lower()}@{domain}"


def _domain_key(typed: str) -> str | None:
    domain = typed.lower() if typed.isascii() else typed
    if not domain.isascii() or "xn--" in domain:
        try:
            if any(_stands_for_ascii(character) for character in domain):
                return None
            domain = idna.encode(domain, uts46=True, transitional=False).decode("ascii")
        except UnicodeError:
            return None
    return domain if _DOMAIN.fullmatch(domain) else None


def _stands_for_ascii(character: str) -> bool:
    """Whether IDNA would turn it into an ASCII letter, a dot, or nothing: a disguise."""
    return not character.isascii() and idna.uts46_remap(character).isascii()
