"""Access tokens as signed JWTs (RFC 9068), whose signature is checked once per process."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode
from hashlib import sha256

import jwt

from app.modules.auth.application.ports import AccessClaims, AccessToken, AccessTokens
from app.modules.auth.domain.errors import TokenExpiredError, TokenInvalidError
from app.modules.auth.infrastructure.access_claims import (
    AccessTokenPolicy,
    SignedClaims,
    read_claims,
    read_object,
    write_claims,
)
from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.application.clock import Clock

__all__ = ["AccessTokenPolicy", "JwtAccessTokens"]

_TYPE = "at+jwt"
_MAX_MINTED = 1024
_MAX_READ = 2048
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class JwtAccessTokens(AccessTokens):
    """The algorithm is the key's, never the token's; no header but alg, typ and kid is accepted.

    Verified tokens are remembered by the hash of the whole token, until a key changes; the clock
    decides at each showing. At most `remembered` of them, the oldest leaves.
    """

    def __init__(
        self,
        key_ring: KeyRing,
        clock: Clock,
        policy: AccessTokenPolicy,
        *,
        remembered: int = 10_000,
    ) -> None:
        self._ring = key_ring
        self._clock = clock
        self._policy = policy
        self._leeway = policy.leeway.total_seconds()
        self._signatures = jwt.PyJWS(algorithms=["ES256", "EdDSA"])
        self._capacity = remembered
        self._remembered: dict[bytes, SignedClaims] = {}
        self._version = key_ring.version

    def mint(self, claims: AccessClaims) -> AccessToken:
        now = int(self._clock.now().timestamp())
        jitter = secrets.randbelow(int(self._policy.jitter.total_seconds()) + 1)
        lifetime = int(self._policy.lifetime.total_seconds()) - jitter
        expires_at = min(now + lifetime, int(claims.session_ends_at.timestamp()))
        key = self._ring.signing_key()
        token = self._signatures.encode(
            write_claims(claims, self._policy, issued_at=now, expires_at=expires_at),
            key.private,
            algorithm=key.algorithm,
            headers={"typ": _TYPE, "kid": key.kid},
        )
        if len(token) > _MAX_MINTED:
            raise ValueError("the roles make the access token longer than 1 KiB")
        return AccessToken(token, max(0, expires_at - now))

    def verify(self, token: str) -> AccessClaims:
        if len(token) > _MAX_READ or not token.isascii():
            raise TokenInvalidError
        if self._version != self._ring.version:
            self._version = self._ring.version
            self._remembered.clear()
        digest = sha256(token.encode("ascii")).digest()
        signed = self._remembered.get(digest)
        if signed is None:
            signed = self._authenticate(token)
            self._check_times(signed)
            self._remember(digest, signed)
        else:
            self._check_times(signed)
        return signed.claims

    def verify_signature(self, token: str) -> AccessClaims:
        return self._authenticate(token).claims

    def _authenticate(self, token: str) -> SignedClaims:
        """Form, header, signature and claims; not yet the clock."""
        form = _COMPACT.fullmatch(token) if len(token) <= _MAX_READ else None
        if form is None:
            raise TokenInvalidError
        header = read_object(_decoded(form[1]))
        kid = header.get("kid")
        if header.keys() != {"alg", "typ", "kid"} or header["typ"] != _TYPE:
            raise TokenInvalidError
        key = self._ring.verifying_key(kid) if isinstance(kid, str) else None
        if key is None or header["alg"] != key.algorithm:
            raise TokenInvalidError
        try:
            payload = self._signatures.decode(token, key.public, algorithms=[key.algorithm])
        except jwt.InvalidTokenError:
            raise TokenInvalidError from None
        return read_claims(payload, self._policy)

    def _check_times(self, signed: SignedClaims) -> None:
        now = self._clock.now().timestamp()
        if max(signed.not_before, signed.issued_at) > now + self._leeway:
            raise TokenInvalidError
        if signed.expires_at + self._leeway <= now:
            raise TokenExpiredError

    def _remember(self, digest: bytes, signed: SignedClaims) -> None:
        if len(self._remembered) >= self._capacity:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[digest] = signed


def _decoded(segment: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise TokenInvalidError from None
