"""Keys for one purpose each, derived from the refresh secrets of the key ring."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.key_ring import KeyRing


class DerivedKeys:
    """HKDF-SHA256 (RFC 5869) of a kid's secret; `info` names the purpose and the issuer."""

    def __init__(self, key_ring: KeyRing, info: bytes) -> None:
        self._ring = key_ring
        self._info = info
        self._keys: dict[str, bytes] = {}
        self._version = key_ring.version

    @property
    def current_kid(self) -> str:
        return self._ring.refresh_secret().kid

    def key(self, kid: str) -> bytes:
        """32 bytes. Raises `TokenInvalidError` for a kid whose secret is gone."""
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

    def mac(self, claim: str, kid: str) -> str:
        """The full HMAC-SHA256 of an ASCII claim, in base64url without padding.

        Raises `TokenInvalidError` for a kid whose secret is gone.
        """
        digest = hmac.digest(self.key(kid), claim.encode("ascii"), "sha256")
        return urlsafe_b64encode(digest)[:43].decode("ascii")
