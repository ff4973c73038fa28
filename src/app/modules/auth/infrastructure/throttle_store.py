"""Attempts counted in PostgreSQL, each decision one statement."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any, Never

from app.modules.auth.application.throttling import Charge, Reservation, Throttle
from app.modules.auth.infrastructure import throttle_table  # noqa: F401  # registers the table
from app.modules.auth.infrastructure.derived_keys import DerivedKeys
from app.shared.infrastructure.statements import Statements

# A row says when everything will be forgiven, and so how many attempts are still held against its
# key: that many times `forgiven_after` lie between now and then. Whoever comes second waits for
# the row and then sees it as the first left it; the time is read after that wait.
_CHARGE = """
    insert into auth.throttle as t (key, forgiven_at, next_at, failures)
    select ${key}::bytea,
           clock_timestamp() + ${forgiven_after}::interval,
           clock_timestamp() + case when ${free}::int > 1 then interval '0'
                                    else ${wait}::interval end,
           num_nonnulls(${failures}::int)
    {condition}
    on conflict (key) do update set
        forgiven_at = least(
            greatest(t.forgiven_at, clock_timestamp()) + ${forgiven_after},
            clock_timestamp() + ${memory}::interval),
        next_at = clock_timestamp() + case
            when {made} < ${free} then interval '0'
            else least(${longest_wait}::interval, ${wait} * 2 ^ least({made} - ${free}, 30)) end,
        failures = t.failures + num_nonnulls(${failures})
    where t.next_at <= clock_timestamp() and t.failures < coalesce(${failures}, 1)
    returning next_at, failures
"""

# Attempts that count, this one included.
_MADE = """(1 + ceil(extract(epoch from greatest(t.forgiven_at - clock_timestamp(), interval '0'))
                     / extract(epoch from ${forgiven_after})))::int"""

_PARAMETERS = (
    *("key", "free", "wait", "longest_wait"),
    *("forgiven_after", "memory", "failures"),
)


def _charge(condition: str, *, first: int) -> str:
    """The part of the statement whose parameters are numbered from `first`."""
    places = {name: place for place, name in enumerate(_PARAMETERS, first)}
    return _CHARGE.format(condition=condition, made=_MADE.format(**places), **places)


_SECOND = len(_PARAMETERS) + 1

_RESERVE = f"""
-- Charge one key, and then the other if the first may be charged; one row for each that was.
with first as ({_charge("", first=1)}
), second as ({_charge(f"from first where ${_SECOND}::bytea is not null", first=_SECOND)}
)
select 1 as place, next_at, failures from first
union all
select 2, next_at, failures from second
order by place
"""  # noqa: S608  # made of constants

# Where nobody has been charged since, the wait that came with the charge goes as well.
_TAKE_BACK = """
    update auth.throttle
    set forgiven_at = forgiven_at - ${forgiven_after}::interval,
        next_at = case when next_at = ${next_at}::timestamptz then clock_timestamp()
                       else next_at end,
        failures = greatest(failures - ${failures}::int, 0)
    where key = ${key}::bytea
"""


def taking_back(*, first: int) -> str:
    """The update that takes a charge back; its four parameters are numbered from `first`."""
    return _TAKE_BACK.format(
        key=first, forgiven_after=first + 1, next_at=first + 2, failures=first + 3
    )


def successes(reserved: tuple[Reservation, ...]) -> tuple[Any, ...]:
    """The parameters of two times `taking_back`, of an attempt that was no failure."""
    backs = [_back(one, failures=one.failures) for one in reserved]
    first, second = [*backs, _NOTHING_BACK, _NOTHING_BACK][:2]
    return *first, *second


def _back(reserved: Reservation, *, failures: int) -> tuple[Any, ...]:
    return reserved.row, reserved.charge.budget.forgiven_after, reserved.next_at, failures


_NOTHING_BACK = (None,) * 4
_FIRST_BACK = taking_back(first=1)
_SECOND_BACK = taking_back(first=5)

_REFUND = f"""
-- Take charges back, in the order in which they were made.
with first as ({_FIRST_BACK}
    returning key
)
{_SECOND_BACK} and (select count(*) from first) >= 0
"""  # noqa: S608  # made of constants

_TURN_AWAY = f"""
-- Take the first charge back because of the second key, and read how long that one waits.
with first as ({_FIRST_BACK})
select next_at - clock_timestamp() as wait, failures from auth.throttle where key = $5
"""  # noqa: S608  # made of constants

_CLEAR = "delete from auth.throttle where key = $1"

_NO_CHARGE = (None,) * len(_PARAMETERS)


class AsyncpgThrottle(Throttle):
    """Rows under the MAC of what they count, so that a dump names no address and no network.

    When another secret of the key ring takes over, counting starts again.
    """

    def __init__(self, statements: Statements, keys: DerivedKeys) -> None:
        self._statements = statements
        self._keys = keys

    async def reserve(self, first: Charge, second: Charge | None = None) -> tuple[Reservation, ...]:
        charges = (first, second) if second else (first,)
        keys = [self._key(charge) for charge in charges]
        made = [_made(charge, key) for charge, key in zip(charges, keys, strict=True)]
        rows = await self._statements.rows(_RESERVE, *made[0], *(made[1] if second else _NO_CHARGE))
        reserved = tuple(
            Reservation(charge, row["next_at"], row["failures"], key)
            for charge, key, row in zip(charges, keys, rows, strict=False)
        )
        if len(reserved) < len(charges):
            await self._turn_away(charges[len(reserved)], reserved)
        return reserved

    async def refund(self, reserved: tuple[Reservation, ...]) -> None:
        backs = [_back(one, failures=1) for one in reserved]
        first, second = [*backs, _NOTHING_BACK][:2]
        await self._statements.row(_REFUND, *first, *second)

    async def succeeded(self, reserved: tuple[Reservation, ...]) -> None:
        await self._statements.row(_REFUND, *successes(reserved))

    async def clear(self, charge: Charge) -> None:
        await self._statements.row(_CLEAR, self._key(charge))

    async def _turn_away(self, refused: Charge, reserved: tuple[Reservation, ...]) -> Never:
        back = _back(reserved[0], failures=1) if reserved else _NOTHING_BACK
        row = await self._statements.row(_TURN_AWAY, *back, self._key(refused))
        budget = refused.budget
        # Cleared or forgotten meanwhile, it need not wait.
        wait = row["wait"] if row else timedelta(0)
        if row and budget.failures is not None and row["failures"] >= budget.failures:
            wait = budget.longest_wait
        raise budget.refusal(retry_after=wait.total_seconds())

    def _key(self, charge: Charge) -> bytes:
        named = f"{charge.budget.name}|{charge.key}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._keys.key(self._keys.current_kid), named, "sha256")


def _made(charge: Charge, key: bytes) -> tuple[Any, ...]:
    """What `_PARAMETERS` names."""
    budget = charge.budget
    return (
        key,
        budget.free,
        budget.wait,
        budget.longest_wait,
        budget.forgiven_after,
        budget.memory,
        budget.failures,
    )
