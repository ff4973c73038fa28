"""What other modules may ask about accounts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What may be known of an account by those who may know of it."""

    account_id: UUID
    email: str = field(repr=False)
    """As its owner typed it."""
    status: Literal["active", "disabled"]


@runtime_checkable
class AccountDirectory(Protocol):
    """Answers for any number of accounts at once; whose account is gone is not in the answer.

    Who may see the answer is for the module that asks to decide. It raises `UnavailableError` when
    the database cannot be asked.
    """

    async def facts_of(self, account_ids: Collection[UUID]) -> Mapping[UUID, AccountFacts]: ...
