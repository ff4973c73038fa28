"""Releasing: claimed deliveries that were not tried are given back, even across an outage."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.application.backlog import Outcome
from app.shared.infrastructure.messaging import ledger
from app.shared.infrastructure.messaging.claiming import Delivery
from app.shared.infrastructure.outages import is_outage

IMPATIENT = "SELECT set_config('lock_timeout', '500ms', true)"
"""Whoever holds the row of a delivery must not hold up the others."""

_log = structlog.get_logger("app.messaging")


class Releasing:
    """Gives deliveries back with their attempts, as if they had not been claimed.

    What cannot be given back while the database is away is kept, so that an outage costs no
    attempt however long it lasts.
    """

    def __init__(self, engine: AsyncEngine, outcomes: Counter[tuple[str, Outcome]]) -> None:
        self._engine = engine
        self._outcomes = outcomes
        self._kept: deque[tuple[Sequence[Delivery], float]] = deque()

    async def release(self, deliveries: Sequence[Delivery], *, after: float = 0.0) -> None:
        """Due again in `after` seconds; all of one subscriber."""
        self.keep(deliveries, after=after)
        await self.release_kept()

    def keep(self, deliveries: Sequence[Delivery], *, after: float = 0.0) -> None:
        """As `release`, at the next occasion: whoever has many is not cut short among them."""
        self._kept.append((deliveries, after))

    async def release_kept(self) -> None:
        """Leaves kept what cannot be given back yet; nothing waits long for that."""
        while self._kept:
            deliveries, after = kept = self._kept.popleft()
            try:
                async with self._engine.begin() as connection:
                    await connection.exec_driver_sql(IMPATIENT)
                    await ledger.release(connection, deliveries, after=after)
            except BaseException as error:
                if is_outage(error) or not isinstance(error, Exception):
                    self._kept.appendleft(kept)
                if not isinstance(error, Exception):
                    raise
                _log.warning("deliveries cannot be given back", error=type(error).__name__)
                return
            self._outcomes[deliveries[0].subscriber, "released"] += len(deliveries)
