"""A request that its sender may send again, because the first answer may be lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from typing import Protocol, runtime_checkable

from app.shared.application.principal import Principal
from app.shared.domain.errors import InvalidError

Answer = Mapping[str, str]
"""What is needed to answer a request again; never a secret, since it is stored as it is."""


class IdempotencyKeyReusedError(InvalidError):
    """The key was sent before with another request (draft-ietf-httpapi-idempotency-key-header)."""

    code = "idempotency_key_reused"
    detail = "This Idempotency-Key was sent before with another request."


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """What a client calls a request, so that sending it again has no second effect.

    It goes with the message, as its `idempotency`, to `UnitOfWork.remember`.
    """

    operation: str
    """The method and the path: the same key elsewhere is another one."""
    value: str = field(repr=False)
    fingerprints: tuple[str, ...] = field(repr=False)
    """Of the request's content. The first one is stored, by any of them it is known again."""

    def digest(self, by: Principal | None) -> bytes:
        """What it is stored under. Nobody meets the key of another account; those of whom it is
        not known who they are share theirs."""
        who = by and str(by.account_id)
        return sha256(dumps([who, self.operation, self.value]).encode("ascii")).digest()


@runtime_checkable
class Fingerprints(Protocol):
    """Tells the content of one request from another's by a secret, which is not in the database:
    nobody can try out there what the content was."""

    def of(self, content: bytes) -> tuple[str, ...]:
        """By the present secret first, then by each former one that is still known."""
        ...
