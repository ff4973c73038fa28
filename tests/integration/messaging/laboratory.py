"""An event, subscribers and a counter of their own for the tests of delivery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Uuid, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry

from app.shared.application.event_bus import Effect, Reaction
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.event import Event
from app.shared.infrastructure.unit_of_work import SqlAlchemyUnitOfWork

SCHEMA = """
CREATE SCHEMA lab;
CREATE TABLE lab.counter (id uuid PRIMARY KEY, number int NOT NULL, version bigint NOT NULL);
CREATE TABLE lab.seen (
    nth bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subscriber text, series text, number int
);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDrawn(Event):
    """A counter went one up."""

    name: ClassVar[str] = "lab.number_drawn"

    series: str
    number: int

    @property
    def key(self) -> str:
        return self.series


@dataclass(eq=False, kw_only=True)
class Counter(Aggregate):
    """Draws the numbers of one series, one after the other."""

    id: UUID
    number: int = 0
    version: int = field(default=0, init=False)

    def draw(self) -> None:
        self.number += 1
        self._record(NumberDrawn(series=str(self.id), number=self.number))


counters = Table(
    "counter",
    MetaData(schema="lab"),
    Column("id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
)
registry().map_imperatively(Counter, counters, version_id_col=counters.c.version)


class CounterUnitOfWork(SqlAlchemyUnitOfWork):
    """The counters and a transaction."""

    def _open(self, session: AsyncSession) -> None:
        self.session = session


class Notebook:
    """The work of the laboratory's subscribers: they note what they saw."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def note(self, subscriber: str, event: NumberDrawn) -> None:
        await self.session.execute(
            text(
                "WITH noted AS (INSERT INTO lab.seen (subscriber, series, number)"
                " VALUES (:subscriber, :series, :number) RETURNING nth)"
                " SELECT pg_notify('seen', nth::text) FROM noted"
            ),
            {"subscriber": subscriber, "series": event.series, "number": event.number},
        )


Handler = Callable[[NumberDrawn, Notebook], Awaitable[None]]


def observer(
    name: str,
    *,
    before: Handler | None = None,
    after: Handler | None = None,
    strict: bool = False,
    max_attempts: int = 8,
    batch: int = 1,
) -> Reaction:
    """A subscriber that notes what it sees; `before` and `after` may stop it."""

    async def observe(event: NumberDrawn, notebook: Notebook) -> None:
        if before:
            await before(event, notebook)
        await notebook.note(name, event)
        if after:
            await after(event, notebook)

    return Reaction(
        name=name,
        event=NumberDrawn,
        handler=observe,
        work=Notebook,
        strict=strict,
        max_attempts=max_attempts,
        batch=batch,
    )


@dataclass
class Outside:
    """What effects call: it keeps what came, whatever becomes of the caller."""

    calls: list[tuple[str, int]] = field(default_factory=list)
    """Series and number."""
    keys: list[str] = field(default_factory=list)


Call = Callable[[NumberDrawn], Awaitable[None]]


def caller(
    name: str,
    outside: Outside,
    *,
    before: Call | None = None,
    after: Call | None = None,
    strict: bool = False,
    max_attempts: int = 8,
    timeout: timedelta = timedelta(seconds=30),
) -> Effect:
    """A subscriber that calls outside; `before` and `after` may stop it."""

    async def call(event: NumberDrawn, idempotency_key: str) -> None:
        if before:
            await before(event)
        outside.calls.append((event.series, event.number))
        outside.keys.append(idempotency_key)
        if after:
            await after(event)

    return Effect(
        name=name,
        event=NumberDrawn,
        handler=call,
        strict=strict,
        max_attempts=max_attempts,
        timeout=timeout,
    )
