"""What must be true after any number of deaths, once nothing is owed any more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.shared.application.reader import Row
from app.shared.infrastructure.statements import Statements
from tests.crash.laboratory import STEPS
from tests.e2e.socket.server import eventually

OWED = """
SELECT subscriber, key, attempts, last_error FROM messaging.delivery WHERE dead_at IS NULL
"""
DEAD = """
SELECT subscriber, key, attempts, last_error FROM messaging.delivery WHERE dead_at IS NOT NULL
"""
ACCOUNTS = "SELECT id, email FROM auth.account"
PROFILES = "SELECT account_id FROM users.profile"
NOTED = "SELECT account_id, number FROM crash.noted ORDER BY nth"
RECOVERED = "SELECT account_id FROM crash.recovered"
CALLED = "SELECT account_id, number, idempotency_key, pid FROM crash.called ORDER BY nth"
COUNTS = """
SELECT (SELECT count(*) FROM auth.account) AS accounts,
    (SELECT count(*) FROM users.profile) AS profiles,
    (SELECT count(*) FROM crash.noted) AS steps_in_order,
    (SELECT count(*) FROM messaging.delivery WHERE dead_at IS NOT NULL) AS dead_letters
"""
NOTES_WAIT = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE relation = to_regclass('crash.noted') AND NOT granted
)
"""
END_LEASES = "UPDATE messaging.delivery SET available_at = now() WHERE dead_at IS NULL"
PAID_EVENTS = """
SELECT count(*) FROM messaging.event
WHERE NOT EXISTS (SELECT FROM messaging.delivery WHERE delivery.position = event.position)
"""
MAKE_OLD = """
WITH aged AS (UPDATE messaging.event SET occurred_at = occurred_at - interval '10 years')
INSERT INTO messaging.event (id, type, version, payload, meta, occurred_at)
SELECT gen_random_uuid(), 'laboratory.step_taken', 1, '{}', '{}', now() - interval '10 years'
FROM generate_series(1, $1)
"""

EVERY_STEP = list(range(1, STEPS + 1))


@dataclass(frozen=True)
class Books:
    """The database, read as an auditor does."""

    statements: Statements

    async def settled(self, *, within: float) -> None:
        """Wait until nothing is owed but what died."""

        async def is_settled() -> bool:
            return await self.owed() == []

        try:
            await eventually(is_settled, within=within)
        except TimeoutError:
            raise AssertionError(await self.owed()) from None

    async def owed(self) -> list[Row]:
        return [*await self.statements.rows(OWED)]

    async def faults(self, addresses: Iterable[str]) -> list[str]:
        """Whatever is lost, doubled, dead or out of order."""
        found = [f"dead: {dict(row)}" for row in await self.statements.rows(DEAD)]
        accounts = await self.statements.rows(ACCOUNTS)
        found += _difference("account", addresses, (row["email"] for row in accounts))
        ids = [row["id"] for row in accounts]
        for what, query in (("profile", PROFILES), ("recovery", RECOVERED)):
            there = (row["account_id"] for row in await self.statements.rows(query))
            found += _difference(what, ids, there)
        noted, called = defaultdict[UUID, list[int]](list), defaultdict[UUID, list[int]](list)
        keys = defaultdict[str, set[tuple[UUID, int]]](set)
        for row in await self.statements.rows(NOTED):
            noted[row["account_id"]].append(row["number"])
        for row in await self.statements.rows(CALLED):
            called[row["account_id"]].append(row["number"])
            keys[row["idempotency_key"]].add((row["account_id"], row["number"]))
        found += [f"noted: {noted[each]}" for each in ids if noted[each] != EVERY_STEP]
        for each in ids:
            # A repeated call is in order as well: nothing comes between it and the first one.
            if sorted({*called[each]}) != EVERY_STEP or sorted(called[each]) != called[each]:
                found.append(f"called: {called[each]}")
        steps = [step for own in keys.values() for step in own]
        return found + _difference("idempotency key", {*steps}, steps)

    async def repeated_effects(self) -> list[list[int]]:
        """The processes that called for it, of each effect that was called for more than once."""
        calls = defaultdict[str, list[int]](list)
        for row in await self.statements.rows(CALLED):
            calls[row["idempotency_key"]].append(row["pid"])
        return [pids for pids in calls.values() if len(pids) > 1]

    async def callers(self) -> set[int]:
        """The processes that called for an effect."""
        return {row["pid"] for row in await self.statements.rows(CALLED)}

    async def counts(self) -> dict[str, int]:
        (counts,) = await self.statements.rows(COUNTS)
        return dict(counts)

    async def notes_wait(self) -> bool:
        """Whether a reaction is held up in its transaction."""
        return bool(await self.statements.value(NOTES_WAIT))

    async def end_leases(self) -> None:
        """Let so much time pass that nothing is taken by anybody; only while nobody delivers."""
        await self.statements.rows(END_LEASES)

    async def make_old(self, *, fillers: int) -> None:
        """Let all that happened, and as many events that are owed to nobody, lie years back."""
        await self.statements.rows(MAKE_OLD, fillers)

    async def paid_events(self) -> int:
        """Events that nobody is owed any more."""
        count: int = await self.statements.value(PAID_EVENTS)
        return count


def _difference(what: str, due: Iterable[object], there: Iterable[object]) -> list[str]:
    missing, left = Counter(due), Counter(there)
    return [
        *(f"{what} lost: {each}" for each in missing - left),
        *(f"{what} too many: {each}" for each in left - missing),
    ]
