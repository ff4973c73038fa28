"""Refresh tokens derived from a secret outside the database, so that none has to be stored."""

from __future__ import annotations

import hmac
import re
from uuid import UUID

from app.modules.auth.application.ports import PresentedRefreshToken, RefreshTokens
from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.key_ring import KeyRing

_MAX_LENGTH = 200
_MAX_GENERATION = 2**31 - 1
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TOKEN = re.compile(
    rf"(rt1\.([A-Za-z0-9_-]{{1,64}})\.({_UUID})\.(0|[1-9][0-9]{{0,9}}))\.([A-Za-z0-9_-]{{43}})"
)


class HmacRefreshTokens(RefreshTokens):
    """`rt1.<kid>.<session id>.<generation>.<mac>`, the mac over everything before it.

    HMAC-SHA256 in full, under a key that HKDF (RFC 5869) derives from the kid's secret for this
    purpose and this issuer alone.
    """

    def __init__(self, key_ring: KeyRing, *, issuer: str) -> None:
        self._keys = DerivedKeys(key_ring, f"rt1 refresh token|{issuer}".encode())

    @property
    def current_kid(self) -> str:
        return self._keys.current_kid

    def mint(self, session_id: UUID, generation: int, kid: str) -> str:
        if not 0 <= generation <= _MAX_GENERATION:
            raise ValueError("a generation is 0 to 2^31 - 1")
        claim = f"rt1.{kid}.{session_id}.{generation}"
        return f"{claim}.{self._keys.mac(claim, kid)}"

    def parse(self, token: str) -> PresentedRefreshToken:
        found = _TOKEN.fullmatch(token) if len(token) <= _MAX_LENGTH else None
        if found is None:
            raise TokenInvalidError
        claim, kid, session_id, generation, mac = found.groups()
        # Comparing the text, not the bytes, leaves one spelling of each mac.
        if not hmac.compare_digest(self._keys.mac(claim, kid), mac):
            raise TokenInvalidError
        if int(generation) > _MAX_GENERATION:
            raise TokenInvalidError
        return PresentedRefreshToken(kid, UUID(session_id), int(generation))
