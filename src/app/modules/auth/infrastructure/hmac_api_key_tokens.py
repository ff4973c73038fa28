"""API keys whose secrets are derived, so that a key can be shown again and none is stored."""

from __future__ import annotations

import re
from hashlib import sha256
from uuid import UUID

from app.modules.auth.application.api_keys import ApiKeyTokens, PresentedApiKey
from app.modules.auth.domain.errors import TokenInvalidError
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.modules.auth.infrastructure.key_ring import KeyRing

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TOKEN = re.compile(rf"ak1\.({_UUID})\.([A-Za-z0-9_-]{{43}})")


class HmacApiKeyTokens(ApiKeyTokens):
    """`ak1.<id>.<secret>`, the secret an HMAC-SHA256 in full over everything before it.

    It is recognised by the SHA-256 of its text, which leaves one spelling of each: 256 bits need
    no slow hash, and a rotation of the ring's secrets ends no key.
    """

    def __init__(self, key_ring: KeyRing, *, issuer: str) -> None:
        self._keys = DerivedKeys(key_ring, f"ak1 api key|{issuer}".encode())

    @property
    def current_kid(self) -> str:
        return self._keys.current_kid

    def mint(self, key_id: UUID, kid: str) -> str:
        claim = f"ak1.{key_id}"
        return f"{claim}.{self._keys.mac(claim, kid)}"

    def parse(self, token: str) -> PresentedApiKey:
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise TokenInvalidError
        return PresentedApiKey(UUID(found[1]), sha256(found[2].encode("ascii")).digest())
