"""Tokens for mails, derived from a secret outside the database."""

from __future__ import annotations

import hmac
import re
from uuid import UUID

from app.modules.auth.application.mailed_tokens import MailedTokens
from app.modules.auth.domain.errors import LinkInvalidError, TokenInvalidError
from app.modules.auth.domain.mail_kind import MailKind
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.key_ring import KeyRing

_PURPOSES = {
    MailKind.VERIFY_EMAIL: "verify1",
    MailKind.RESET_PASSWORD: "reset1",
    MailKind.CONFIRM_EMAIL: "confirm1",
}
_MAX_LENGTH = 160
_TOKEN = re.compile(r"(([a-z]+1)\.([A-Za-z0-9_-]{1,64})\.([0-9a-f]{32}))\.([A-Za-z0-9_-]{43})")


class HmacMailedTokens(MailedTokens):
    """`<purpose>1.<kid>.<mail id>.<mac>`, the HMAC-SHA256 in full over everything before it."""

    def __init__(self, key_ring: KeyRing, *, issuer: str) -> None:
        self._keys = DerivedKeys(key_ring, f"mailed token|{issuer}".encode())

    @property
    def current_kid(self) -> str:
        return self._keys.current_kid

    def mint(self, kind: MailKind, mail_id: UUID, kid: str) -> str:
        claim = f"{_PURPOSES[kind]}.{kid}.{mail_id.hex}"
        return f"{claim}.{self._mac(claim, kid)}"

    def parse(self, kind: MailKind, token: str) -> UUID:
        found = _TOKEN.fullmatch(token) if len(token) <= _MAX_LENGTH else None
        if found is None:
            raise LinkInvalidError
        claim, purpose, kid, mail_id, mac = found.groups()
        # Comparing the text, not the bytes, leaves one spelling of each mac.
        if not hmac.compare_digest(self._mac(claim, kid), mac) or purpose != _PURPOSES[kind]:
            raise LinkInvalidError
        return UUID(hex=mail_id)

    def _mac(self, claim: str, kid: str) -> str:
        try:
            return self._keys.mac(claim, kid)
        except TokenInvalidError:
            raise LinkInvalidError from None
