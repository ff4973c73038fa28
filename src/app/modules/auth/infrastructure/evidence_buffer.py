"""Evidence that clients got their tokens, gathered in memory and stored in batches."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from app.modules.auth.application.ports import Evidence
from app.shared.infrastructure.statements import Statements

_REMEMBERED = 20_000
"""How many sessions are remembered as stored, so that each receipt is written only once."""

_STORE = """
-- Locked in the order of their ids first, as by everybody who locks several sessions.
with seen as materialized (
  select s.id, noted.generation
  from unnest($1::uuid[], $2::int[]) as noted(session_id, generation)
  join auth.session as s on s.id = noted.session_id
  where s.confirmed_generation < noted.generation
  order by s.id
  for no key update of s
)
update auth.session as s
set confirmed_generation = seen.generation
from seen
where s.id = seen.id
  and s.confirmed_generation < seen.generation
  and s.generation >= seen.generation
"""


class EvidenceBuffer(Evidence):
    """Monotonic, deduplicated per process, flushed in one statement by a periodic task.

    Evidence that is lost with the process only makes a rotation more patient, never less.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._unstored: dict[UUID, int] = {}
        self._stored: OrderedDict[UUID, int] = OrderedDict()

    def note(self, session_id: UUID, generation: int) -> None:
        if generation > self.latest(session_id):
            self._unstored[session_id] = generation

    def latest(self, session_id: UUID) -> int:
        return self._unstored.get(session_id) or self._stored.get(session_id, 0)

    async def flush(self) -> None:
        """Store what was noted; kept for the next time when the database is out of reach."""
        if not self._unstored:
            return
        batch = list(self._unstored.items())
        await self._statements.rows(
            _STORE, [session for session, _ in batch], [generation for _, generation in batch]
        )
        for session_id, generation in batch:
            if self._unstored.get(session_id) == generation:
                del self._unstored[session_id]
            self._stored[session_id] = generation
            self._stored.move_to_end(session_id)
        while len(self._stored) > _REMEMBERED:
            self._stored.popitem(last=False)
