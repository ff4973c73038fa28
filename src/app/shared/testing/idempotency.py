"""Requests that may be sent again, in memory."""

from __future__ import annotations

from asyncio import Lock
from hashlib import sha256

from app.shared.application.idempotency import (
    Answer,
    Fingerprints,
    IdempotencyKey,
    IdempotencyKeyReusedError,
)
from app.shared.application.principal import Principal


class InMemoryRequests:
    """The requests that the units of work of one world have remembered."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[str, Answer]] = {}
        self._locks: dict[bytes, Lock] = {}

    def lock(self, key: bytes) -> Lock:
        return self._locks.setdefault(key, Lock())


class RememberedRequests:
    """What one unit of work remembers: kept by its commit, or forgotten."""

    def __init__(self, requests: InMemoryRequests) -> None:
        self._requests = requests
        self._new: dict[bytes, tuple[str, Answer]] = {}
        self._held: list[Lock] = []

    async def remember(
        self, request: IdempotencyKey, *, by: Principal | None, answer: Answer
    ) -> Answer | None:
        key = request.digest(by)
        lock = self._requests.lock(key)
        await lock.acquire()
        self._held.append(lock)
        if key not in self._requests.known:
            self._new[key] = request.fingerprints[0], dict(answer)
            return None
        fingerprint, earlier = self._requests.known[key]
        if fingerprint not in request.fingerprints:
            raise IdempotencyKeyReusedError
        return earlier

    def keep(self) -> None:
        self._requests.known |= self._new

    def release(self) -> None:
        """Let those who wait go on."""
        self._new = {}
        while self._held:
            self._held.pop().release()


class PlainFingerprints(Fingerprints):
    """Without a secret."""

    def of(self, content: bytes) -> tuple[str, ...]:
        return (sha256(content).hexdigest(),)
