"""Access tokens that only the owner of the signing key could make, and some that nobody could."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def resigned(access_token: str, keys_dir: Path, **claims: Any) -> str:
    """The token with other claims, under the service's own key."""
    header = jwt.get_unverified_header(access_token)
    payload = jwt.decode(access_token, options={"verify_signature": False})
    pem = (keys_dir / f"{header['kid']}.pem").read_bytes()
    private: Any = load_pem_private_key(pem, password=None)
    return jwt.encode(
        payload | claims,
        private,
        algorithm=header["alg"],
        headers={"typ": header["typ"], "kid": header["kid"]},
    )


def expired(access_token: str, keys_dir: Path) -> str:
    """The token as it will be seen an hour after its end."""
    payload = jwt.decode(access_token, options={"verify_signature": False})
    times = ("auth_time", "iat", "nbf", "exp")
    return resigned(access_token, keys_dir, **{name: payload[name] - 2 * 60 * 60 for name in times})


def forged(token: str) -> str:
    """The token with another signature: its last part turned around."""
    claim, _, signature = token.rpartition(".")
    return f"{claim}.{signature[::-1]}"
