"""What the use cases of `users` need of the world, in their own words."""

from __future__ import annotations

from typing import Protocol

from app.modules.users.domain.ports import Profiles
from app.shared.application.unit_of_work import UnitOfWork


class UsersWork(Protocol):
    """The aggregates of `users` inside a transaction that somebody else commits."""

    profiles: Profiles


class UsersUnitOfWork(UsersWork, UnitOfWork, Protocol):
    """One transaction over the aggregates of `users`."""
