"""Argon2id (RFC 9106) behind the port `PasswordHasher`."""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass
from functools import partial

import structlog
from argon2 import PasswordHasher as Argon2
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from app.modules.auth.application.ports import PasswordCheck, PasswordHasher
from app.modules.auth.infrastructure.hashing_pool import HashingPool

_log = structlog.get_logger("app.auth.hashing")


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """The cost of one hash; the default is OWASP's first recommendation."""

    memory_kib: int = 19_456
    iterations: int = 2
    lanes: int = 1

    def exceeds(self, maximum: Argon2Parameters) -> bool:
        return (
            self.memory_kib > maximum.memory_kib
            or self.iterations > maximum.iterations
            or self.lanes > maximum.lanes
        )


MAXIMUM = Argon2Parameters(memory_kib=262_144, iterations=10, lanes=4)
"""No stored hash makes us spend more than this, whoever wrote it."""


class Argon2PasswordHasher(PasswordHasher):
    """Hashes in the pool; UTF-8 goes in, a PHC string comes out."""

    def __init__(
        self,
        pool: HashingPool,
        parameters: Argon2Parameters | None = None,
        *,
        maximum: Argon2Parameters = MAXIMUM,
    ) -> None:
        parameters = parameters or Argon2Parameters()
        if parameters.exceeds(maximum):
            raise ValueError("the Argon2 parameters are above the allowed maximum")
        self._pool = pool
        self._maximum = maximum
        self._argon2 = Argon2(
            time_cost=parameters.iterations,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.lanes,
        )
        self._nobodys_hash = _nobodys_hash(parameters)

    async def hash(self, password: str, *, client: str | None = None) -> str:
        return await self._pool.run(
            partial(self._argon2.hash, password), client=client, modest=True
        )

    async def check(
        self, password: str, password_hash: str | None, *, client: str | None = None
    ) -> PasswordCheck:
        """A stored hash that is broken or too expensive never matches, at the usual cost."""
        usable = password_hash if self._is_usable(password_hash) else None
        stored = usable or self._nobodys_hash
        matches = await self._pool.run(partial(self._matches, stored, password), client=client)
        return PasswordCheck(matches, matches and self._argon2.check_needs_rehash(stored))

    def _is_usable(self, password_hash: str | None) -> bool:
        if password_hash is None:
            return False
        try:
            found = extract_parameters(password_hash)
        except InvalidHashError:
            _log.error("stored password hash unreadable")
            return False
        if Argon2Parameters(found.memory_cost, found.time_cost, found.parallelism).exceeds(
            self._maximum
        ):
            _log.error("stored password hash too expensive", memory_kib=found.memory_cost)
            return False
        return True

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            _log.error("stored password hash unreadable", error=type(error).__name__)
            return False


def _nobodys_hash(parameters: Argon2Parameters) -> str:
    """A hash that costs as much to compare with as any other and that no password has: its
    digest is random."""
    salt, digest = (
        b64encode(secrets.token_bytes(length)).rstrip(b"=").decode("ascii") for length in (16, 32)
    )
    cost = f"m={parameters.memory_kib},t={parameters.iterations},p={parameters.lanes}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
