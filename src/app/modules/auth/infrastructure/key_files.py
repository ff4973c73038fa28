"""The files of `AUTH_KEYS_DIR`: what is in them, and whether it is good enough."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from jwt.utils import base64url_decode

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Algorithm = Literal["ES256", "EdDSA"]
Kind = Literal["signing", "refresh"]
Fingerprint = tuple[tuple[str, int, int, int], ...]

SUFFIXES: dict[Kind, str] = {"signing": ".pem", "refresh": ".secret"}

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MADE_AT = re.compile(r"(\d{8}T\d{6})-")
TIMESTAMP = "%Y%m%dT%H%M%S"
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+={0,2}")
_GIVEAWAYS = (
    *(b"changethis", b"changeme", b"change-me", b"change_me", b"secret", b"password", b"example"),
    *(b"default", b"qwerty", b"letmein", b"12345678", b"01234567", b"abcdefgh"),
    b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # FastAPI's tutorial
)
"""In a random text of 43 letters none of them ever occurs."""
_PUBLISHED = frozenset(
    base64url_decode(key)
    for key in (
        # RFC 7515 A.1 (HMAC) and A.3 (P-256), RFC 7517 A.2 (P-256), RFC 8037 A.1 (Ed25519)
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    )
)
"""Random once, and known to everybody since."""


class KeyRingError(Exception):
    """A file of `AUTH_KEYS_DIR` is missing or unfit. Says which, and never what is in it."""

    def __init__(self, complaint: str) -> None:
        super().__init__(f"AUTH_KEYS_DIR: {complaint}")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair and the one algorithm it is good for."""

    kid: str
    algorithm: Algorithm
    private: PrivateKey = field(repr=False)
    public: PublicKey = field(repr=False)

    def public_jwk(self) -> dict[str, Any]:
        """The public half (RFC 7517 §4)."""
        if isinstance(self.public, ec.EllipticCurvePublicKey):
            numbers = ECAlgorithm.to_jwk(self.public, as_dict=True)
        else:
            numbers = OKPAlgorithm.to_jwk(self.public, as_dict=True)
        return {**numbers, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


@dataclass(frozen=True, slots=True)
class RefreshSecret:
    """Random bytes from which refresh tokens are derived."""

    kid: str
    value: bytes = field(repr=False)


def key_files(directory: Path) -> list[Path]:
    """Oldest key first."""
    suffixes = frozenset(SUFFIXES.values())
    files = (path for path in directory.iterdir() if path.suffix in suffixes)
    return sorted(
        (path for path in files if not path.name.startswith(".")),
        key=lambda path: (made_at(path.stem), path.name),
    )


def fingerprint(directory: Path) -> Fingerprint:
    """Differs when a file came, went or changed. Raises `KeyRingError` for no readable folder."""
    try:
        return tuple(
            (path.name, status.st_mtime_ns, status.st_size, status.st_ino)
            for path in key_files(directory)
            for status in (path.stat(),)
        )
    except OSError as error:
        raise KeyRingError(f"the folder cannot be read: {error.strerror}") from None


def read_signing_key(path: Path) -> SigningKey:
    """Raises `KeyRingError` unless it is an EC P-256 or an Ed25519 private key in PEM."""
    kid = _kid(path)
    try:
        private = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRingError(f"{path.name} is not an unencrypted private key in PEM") from None
    match private:
        case ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()):
            _refuse_weak(private.private_numbers().private_value.to_bytes(32, "big"), path)
            return SigningKey(kid, "ES256", private, private.public_key())
        case ed25519.Ed25519PrivateKey():
            _refuse_weak(private.private_bytes_raw(), path)
            return SigningKey(kid, "EdDSA", private, private.public_key())
        case _:
            raise KeyRingError(f"{path.name} is neither an EC P-256 nor an Ed25519 key")


def read_refresh_secret(path: Path) -> RefreshSecret:
    """Base64url text is decoded, anything else taken as it is. Raises `KeyRingError` for what is
    shorter than 32 bytes or not random."""
    kid = _kid(path)
    content = _read(path)
    text = content.strip()
    value = content
    if text.isascii():
        value = text
        if any(giveaway in text.lower() for giveaway in _GIVEAWAYS):
            raise KeyRingError(f"{path.name} is a placeholder, not a random secret")
        if _BASE64URL.fullmatch(text):
            try:
                value = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
            except binascii.Error:
                raise KeyRingError(f"{path.name} is not valid base64url") from None
    if len(value) < 32:
        raise KeyRingError(f"{path.name} is shorter than 32 bytes")
    _refuse_weak(value, path)
    return RefreshSecret(kid, value)


@lru_cache(maxsize=256)
def made_at(kid: str) -> datetime:
    """The time in the kid; a kid without one is as old as can be."""
    if found := _MADE_AT.match(kid):
        try:
            return datetime.strptime(found[1], TIMESTAMP).replace(tzinfo=UTC)
        except ValueError:
            pass
    return datetime.min.replace(tzinfo=UTC)


def _kid(path: Path) -> str:
    if _KID.fullmatch(path.stem) is None:
        raise KeyRingError(f"{path.name} is no key id: use letters, digits, _ and -, up to 64")
    return path.stem


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyRingError(f"{path.name} cannot be read: {error.strerror}") from None


def _refuse_weak(value: bytes, path: Path) -> None:
    if value in _PUBLISHED:
        raise KeyRingError(f"{path.name} is a published key")
    _refuse_pattern(value, path)


def _refuse_pattern(value: bytes, path: Path) -> None:
    """Thirty-two random bytes show thirty different values, and never fewer than twenty."""
    steps = {(after - before) % 256 for before, after in pairwise(value)}
    period = (value + value).find(value, 1)
    if len(set(value)) < 20 or len(steps) < 8 or period < min(32, len(value)):
        raise KeyRingError(f"{path.name} is not random enough")
