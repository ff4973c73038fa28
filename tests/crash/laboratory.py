"""A module beside the product's own: whatever its subscribers lost or doubled can be seen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Callable, DependenciesContainer, List, Object, Singleton
from sqlalchemy import Column, Integer, MetaData, Table, Uuid, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry

from app.modules.auth.contracts.events import AccountRegistered
from app.shared.application.event_bus import Effect, Reaction
from app.shared.domain.aggregate import Aggregate
from app.shared.domain.event import Event
from app.shared.infrastructure.statements import Statements

SCHEMA = """
CREATE SCHEMA crash;
CREATE TABLE crash.walk (account_id uuid PRIMARY KEY, number int NOT NULL, version int NOT NULL);
CREATE TABLE crash.noted (
    nth bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id uuid, number int
);
CREATE TABLE crash.called (
    nth bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account_id uuid, number int,
    idempotency_key text, pid int
);
CREATE TABLE crash.stumbled (account_id uuid PRIMARY KEY);
CREATE TABLE crash.recovered (account_id uuid);
"""

AT_ONCE = 2
"""Steps that are taken in one transaction, so that a key has more than one event waiting."""

STEPS = AT_ONCE + 1
"""Steps of every walk: the last one is taken by whoever hears of the first."""

EFFECT_SECONDS = "LABORATORY_EFFECT_SECONDS"
"""The variable with the timeout of the effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken(Event):
    """An account's walk went one on."""

    name: ClassVar[str] = "laboratory.step_taken"

    account_id: UUID
    number: int

    @property
    def key(self) -> str:
        return str(self.account_id)


@dataclass(eq=False, kw_only=True)
class Walk(Aggregate):
    """The numbered steps of one account."""

    account_id: UUID
    number: int = 0

    def step(self) -> None:
        self.number += 1
        self._record(StepTaken(account_id=self.account_id, number=self.number))


walks = Table(
    "walk",
    MetaData(schema="crash"),
    Column("account_id", Uuid, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
registry().map_imperatively(Walk, walks, version_id_col=walks.c.version)


class Ground:
    """The work of the laboratory's reactions: the session itself."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def insert(self, table: str, **values: object) -> None:
        columns = ", ".join(values)
        parameters = ", ".join(f":{name}" for name in values)
        await self.session.execute(
            text(f"INSERT INTO crash.{table} ({columns}) VALUES ({parameters})"), values
        )


async def set_out(event: AccountRegistered, ground: Ground) -> None:
    walk = Walk(account_id=event.account_id)
    for _ in range(AT_ONCE):
        walk.step()
    ground.session.add(walk)


async def go_on(event: StepTaken, ground: Ground) -> None:
    """What is done twice takes a step too many."""
    if event.number == 1:
        walk = await ground.session.get_one(Walk, event.account_id)
        walk.step()


async def note(event: StepTaken, ground: Ground) -> None:
    await ground.insert("noted", account_id=event.account_id, number=event.number)


@dataclass(frozen=True, slots=True)
class Stumble:
    """Fails at first, and remembers that beside the transaction which is rolled back."""

    statements: Statements

    async def __call__(self, event: AccountRegistered, ground: Ground) -> None:
        first = await self.statements.value(
            "INSERT INTO crash.stumbled VALUES ($1) ON CONFLICT DO NOTHING RETURNING true",
            event.account_id,
        )
        if first:
            raise ArithmeticError
        await ground.insert("recovered", account_id=event.account_id)


@dataclass(frozen=True, slots=True)
class CallOut:
    """Stands for whatever an effect calls: it keeps every call, whatever becomes of the caller."""

    statements: Statements

    async def __call__(self, event: StepTaken, idempotency_key: str) -> None:
        await self.statements.rows(
            "INSERT INTO crash.called (account_id, number, idempotency_key, pid)"
            " VALUES ($1, $2, $3, $4)",
            event.account_id,
            event.number,
            idempotency_key,
            os.getpid(),
        )


def _effect_timeout() -> timedelta:
    return timedelta(seconds=float(os.environ[EFFECT_SECONDS]))


def _reaction(event: type[Event], handler: object, name: str) -> Singleton[Reaction]:
    return Singleton(
        Reaction, name=f"laboratory.{name}", event=event, handler=handler, work=Object(Ground)
    )


class LaboratoryContainer(DeclarativeContainer):
    """Reactions in a chain, one that fails at first, and an effect."""

    kernel = DependenciesContainer()

    subscribers = List(
        _reaction(AccountRegistered, Object(set_out), "set_out"),
        _reaction(AccountRegistered, Singleton(Stumble, kernel.statements), "stumble"),
        _reaction(StepTaken, Object(go_on), "go_on"),
        _reaction(StepTaken, Object(note), "note"),
        Singleton(
            Effect,
            name="laboratory.call_out",
            event=StepTaken,
            handler=Singleton(CallOut, kernel.statements),
            timeout=Callable(_effect_timeout),
        ),
    )
