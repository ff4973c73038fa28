"""Fingerprints of requests under a secret outside the database."""

from __future__ import annotations

import hmac

from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.application.idempotency import Fingerprints


class HmacFingerprints(Fingerprints):
    """HMAC-SHA256 in full. Requests of before a rotation are known again by the older secrets."""

    def __init__(self, key_ring: KeyRing, *, issuer: str) -> None:
        self._ring = key_ring
        self._keys = DerivedKeys(key_ring, f"request fingerprint|{issuer}".encode())

    def of(self, content: bytes) -> tuple[str, ...]:
        current = self._keys.current_kid
        former = (kid for kid in self._ring.refresh_kids if kid != current)
        return tuple(
            hmac.digest(self._keys.key(kid), content, "sha256").hex() for kid in (current, *former)
        )
