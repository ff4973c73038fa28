"""Refresh tokens derived from a secret outside the database, so that none has to be stored."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.modules.auth.application.ports import PresentedRefreshToken, RefreshTokens
from app.modules.auth.domain.errors import TokenInvalidError
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
        self._ring = key_ring
        self._info = f"rt1 refresh token|{issuer}".encode()
        self._keys: dict[str, bytes] = {}
        self._version = key_ring.version

    @property
    def current_kid(self) -> str:
        return self._ring.refresh_secret().kid

    def mint(self, session_id: UUID, generation: int, kid: str) -> str:
        if not 0 <= generation <= _MAX_GENERATION:
            raise ValueError("a generation is 0 to 2^31 - 1")
        claim = f"rt1.{kid}.{session_id}.{generation}"
        return f"{claim}.{self._mac(claim, kid)}"

    def parse(self, token: str) -> PresentedRefreshToken:
        found = _TOKEN.fullmatch(token) if len(token) <= _MAX_LENGTH else None
        if found is None:
            raise TokenInvalidError
        claim, kid, session_id, generation, mac = found.groups()
        # Comparing the text, not the bytes, leaves one spelling of each mac.
        if not hmac.compare_digest(self._mac(claim, kid), mac):
            raise TokenInvalidError
        if int(generation) > _MAX_GENERATION:
            raise TokenInvalidError
        return PresentedRefreshToken(kid, UUID(session_id), int(generation))

    def _mac(self, claim: str, kid: str) -> str:
        digest = hmac.digest(self._key(kid), claim.encode("ascii"), "sha256")
        return urlsafe_b64encode(digest)[:43].decode("ascii")

    def _key(self, kid: str) -> bytes:
        if self._version != self._ring.version:
            self._version = self._ring.version
            self._keys.clear()
        key = self._keys.get(kid)
        if key is None:
            secret = self._ring.refresh_secret_of(kid)
            if secret is None:
                raise TokenInvalidError
            derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=self._info)
            key = self._keys[kid] = derivation.derive(secret.value)
        return key
