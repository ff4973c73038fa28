"""The claims of an access token on the wire: written, and read with suspicion (RFC 8725)."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from app.modules.auth.application.ports import AccessClaims
from app.modules.auth.domain.errors import TokenInvalidError

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_JTI = re.compile("[A-Za-z0-9_-]{16,64}")
_NOBODY = UUID(int=0)
_LAST_SECOND = 253_402_300_799
"""Of the year 9999, the last that `datetime` knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenPolicy:
    """Who issues tokens for whom, and for how long.

    Each token lives up to `jitter` shorter than `lifetime`, so that clients that started
    together do not refresh together.
    """

    issuer: str
    audience: str
    client_id: str
    lifetime: timedelta = timedelta(seconds=600)
    jitter: timedelta = timedelta(seconds=60)
    leeway: timedelta = timedelta(seconds=10)

    def remembered(self, request_timeout: timedelta) -> timedelta:
        """How long a token that is revoked now could still be shown and be answered."""
        return self.lifetime + self.leeway + request_timeout + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedClaims:
    """What an authentic token says, and when it may say it (seconds since 1970)."""

    claims: AccessClaims
    issued_at: int
    not_before: int
    expires_at: int


def write_claims(
    claims: AccessClaims, policy: AccessTokenPolicy, *, issued_at: int, expires_at: int
) -> bytes:
    """The payload of a new token."""
    payload = {
        "iss": policy.issuer,
        "aud": policy.audience,
        "sub": str(claims.account_id),
        "client_id": policy.client_id,
        "sid": str(claims.session_id),
        "gen": claims.generation,
        "epoch": claims.epoch,
        "roles": sorted(claims.roles),
        "auth_time": int(claims.authenticated_at.timestamp()),
        "iat": issued_at,
        "nbf": issued_at,
        "exp": expires_at,
        "jti": secrets.token_urlsafe(16),
    }
    return json.dumps(payload, separators=(",", ":")).encode("ascii")


def read_claims(payload: bytes, policy: AccessTokenPolicy) -> SignedClaims:
    """Every claim present, of its type and, where only one value is right, that value.

    Raises `TokenInvalidError`. What the clock has to say is left to the caller.
    """
    found = read_object(payload)
    if (
        found.get("iss") != policy.issuer
        or found.get("aud") != policy.audience
        or found.get("client_id") != policy.client_id
    ):
        raise TokenInvalidError
    jti = found.get("jti")
    if not isinstance(jti, str) or _JTI.fullmatch(jti) is None:
        raise TokenInvalidError
    expires_at = _integer(found, "exp", _LAST_SECOND)
    return SignedClaims(
        AccessClaims(
            account_id=_uuid(found, "sub"),
            session_id=_uuid(found, "sid"),
            generation=_integer(found, "gen", 2**31 - 1),
            epoch=_integer(found, "epoch", 2**63 - 1),
            roles=_roles(found),
            authenticated_at=_moment(_integer(found, "auth_time", _LAST_SECOND)),
            session_ends_at=_moment(expires_at),
        ),
        issued_at=_integer(found, "iat", _LAST_SECOND),
        not_before=_integer(found, "nbf", _LAST_SECOND),
        expires_at=expires_at,
    )


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object without duplicate names or non-numbers; else `TokenInvalidError`."""
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise TokenInvalidError from None
    if not isinstance(found, dict):
        raise TokenInvalidError
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _uuid(found: dict[str, Any], name: str) -> UUID:
    value = found.get(name)
    if not isinstance(value, str) or _UUID.fullmatch(value) is None:
        raise TokenInvalidError
    uuid = UUID(value)
    if uuid == _NOBODY:
        raise TokenInvalidError
    return uuid


def _integer(found: dict[str, Any], name: str, maximum: int) -> int:
    value = found.get(name)
    if type(value) is not int or not 0 <= value <= maximum:  # bool is an int, and no number
        raise TokenInvalidError
    return value


def _roles(found: dict[str, Any]) -> frozenset[str]:
    value = found.get("roles")
    if not isinstance(value, list) or not all(isinstance(role, str) for role in value):
        raise TokenInvalidError
    return frozenset(value)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
