"""A unit of work without a database that keeps the promises of the real one."""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from app.shared.application.idempotency import Answer, IdempotencyKey
from app.shared.application.principal import Principal
from app.shared.application.unit_of_work import UnitOfWork
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.errors import DomainError
from app.shared.domain.event import Event
from app.shared.testing.idempotency import InMemoryRequests, RememberedRequests

_Stored = TypeVar("_Stored", bound=Aggregate)


class InMemoryTable(Generic[_Stored]):
    """The committed aggregates of one kind, by their `id`.

    `unique` maps what must not occur twice, as a function of the aggregate that may answer None,
    to the refusal that the violation means.
    """

    def __init__(
        self, unique: Mapping[Callable[[_Stored], Any], type[DomainError]] | None = None
    ) -> None:
        self.rows: dict[UUID, _Stored] = {}
        self._unique = unique or {}
        self._locks: dict[UUID, Lock] = {}

    def __iter__(self) -> Iterator[_Stored]:
        return iter(list(self.rows.values()))

    def __len__(self) -> int:
        return len(self.rows)

    def put(self, aggregate: _Stored) -> _Stored:
        """Store a copy of the aggregate outside of any unit of work, without its events."""
        stored = self.rows[_identity(aggregate)] = deepcopy(aggregate)
        stored.collect_events()
        return aggregate

    def lock(self, identity: UUID) -> Lock:
        """What a unit of work holds while nobody else may change the row."""
        return self._locks.setdefault(identity, Lock())

    def check(self, identity: UUID, aggregate: _Stored) -> None:
        """Raises the refusal of the first uniqueness that storing would violate."""
        for value_of, refusal in self._unique.items():
            value = value_of(aggregate)
            others = (row for key, row in self.rows.items() if key != identity)
            if value is not None and any(value_of(other) == value for other in others):
                raise refusal


class InMemoryRepository(Generic[_Stored]):
    """The parent of fake repositories: what it hands out is stored by the commit, or never."""

    def __init__(self, table: InMemoryTable[_Stored]) -> None:
        self._table = table
        self._met: dict[UUID, _Stored] = {}
        self._read: dict[UUID, _Stored] = {}
        self._deleted: set[UUID] = set()
        self._held: list[Lock] = []

    def add(self, aggregate: _Stored) -> None:
        self._met[_identity(aggregate)] = aggregate

    def delete(self, identity: UUID) -> None:
        """Gone for this unit of work now, and for everybody after the commit."""
        self._deleted.add(identity)

    def find(self, matches: Callable[[_Stored], bool]) -> _Stored | None:
        """The one aggregate that matches, as this unit of work sees it."""
        return next(iter(self.find_all(matches)), None)

    def find_all(self, matches: Callable[[_Stored], bool]) -> list[_Stored]:
        """Every aggregate that matches, as this unit of work sees it."""
        return [
            self._meet(identity)
            for identity, aggregate in (self._table.rows | self._met).items()
            if identity not in self._deleted and matches(aggregate)
        ]

    async def find_locked(self, identity: UUID) -> _Stored | None:
        """As `find`, once every other holder of the row has ended its transaction."""
        lock = self._table.lock(identity)
        if lock not in self._held:
            await lock.acquire()
            self._held.append(lock)
        return self.find(lambda aggregate: _identity(aggregate) == identity)

    def changed(self, identity: UUID) -> dict[str, Any]:
        """The facts that are not as they were read; nothing, of what was not read but added."""
        now = vars(self._met[identity])
        before = vars(self._read[identity]) if identity in self._read else now
        return {
            name: value
            for name, value in now.items()
            if not name.startswith("_") and before[name] != value
        }

    def check(self) -> None:
        """Raises what keeps anything that was met from being stored."""
        for identity, aggregate in self._met.items():
            if identity not in self._deleted:
                self._table.check(identity, aggregate)

    def store(self) -> list[Event]:
        """Store what was changed, field by field, and hand over what was recorded."""
        events = []
        for identity, aggregate in self._met.items():
            events += aggregate.collect_events()
            if identity in self._deleted:
                self._table.rows.pop(identity, None)
                continue
            if identity in self._read:
                vars(self._table.rows[identity]).update(deepcopy(self.changed(identity)))
            else:
                self._table.rows[identity] = deepcopy(aggregate)
            self._read[identity] = deepcopy(aggregate)
        return events

    def release(self) -> None:
        """Let others have the rows that were locked."""
        while self._held:
            self._held.pop().release()

    def _meet(self, identity: UUID) -> _Stored:
        if identity not in self._met:
            self._read[identity] = deepcopy(self._table.rows[identity])
            self._met[identity] = deepcopy(self._table.rows[identity])
        return self._met[identity]


class InMemoryUnitOfWork(UnitOfWork):
    """The parent of fake units of work; their repositories are made in `_open`.

    `published` gets the events of every commit, in order; `requests` are those that another unit
    of work with the same ones knows again.
    """

    def __init__(self, published: list[Event], requests: InMemoryRequests | None = None) -> None:
        self._published = published
        self._remembered = RememberedRequests(requests or InMemoryRequests())

    def _open(self) -> list[InMemoryRepository[Any]]:
        """Make the repositories and name them."""
        return []

    async def __aenter__(self) -> Self:
        self._repositories = self._open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for repository in self._repositories:
            repository.release()
        self._repositories = []
        self._remembered.release()

    async def remember(
        self, request: IdempotencyKey | None, *, by: Principal | None, answer: Answer
    ) -> Answer | None:
        if request is None:
            return None
        return await self._remembered.remember(request, by=by, answer=answer)

    async def commit(self) -> None:
        for repository in self._repositories:
            repository.check()
        for repository in self._repositories:
            self._published += repository.store()
        self._remembered.keep()
        for repository in self._repositories:
            repository.release()
        self._remembered.release()


def _identity(aggregate: Aggregate) -> UUID:
    identity = getattr(aggregate, "id", None)
    if not isinstance(identity, UUID):
        raise TypeError(f"{type(aggregate).__name__} has no id of type UUID")
    return identity
