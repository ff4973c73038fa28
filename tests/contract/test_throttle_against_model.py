"""The statements of the throttle decide as the rules in memory do, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.modules.auth.application.throttling import Charge, Reservation
from app.modules.auth.domain.errors import LoginThrottledError
from app.modules.auth.domain.throttling import Budget
from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.contract.auth_worlds import AuthWorld, auth_in_memory, auth_on_postgres

T = TypeVar("T")
MINUTE = timedelta(minutes=1)
HALF = MINUTE / 2
BY_ADDRESS = Budget(
    name="address",
    refusal=LoginThrottledError,
    free=3,
    wait=MINUTE,
    longest_wait=8 * MINUTE,
    forgiven_after=20 * MINUTE,
    memory=7 * 20 * MINUTE,
    failures=9,
)
BY_NETWORK = Budget.steady("network", LoginThrottledError, 5, 20 * MINUTE)
CHARGES = [
    *[(Charge(BY_NETWORK, f"net {n}"), Charge(BY_ADDRESS, f"ada {n % 2}")) for n in range(3)],
    (Charge(BY_NETWORK, "net 0"), Charge(BY_ADDRESS, "ada 1")),
    (Charge(BY_ADDRESS, "ada 0"), None),
    (Charge(replace(BY_ADDRESS, name="strict", free=1), "ada 0"), None),
]
STEPS = st.one_of(
    *3 * [st.tuples(st.just("try"), st.sampled_from([0, 0, *range(len(CHARGES))]))],
    st.tuples(st.sampled_from(["succeeded", "refund"]), st.integers(0, 3)),
    st.tuples(st.just("clear"), st.sampled_from([3, 4])),
    # In half minutes, so that the moments that the statements take decide nothing.
    st.tuples(st.just("wait"), st.sampled_from([1, 2, 3, 5, 9, 17, 41, 400])),
)


class Run:
    """One history in one world."""

    def __init__(self, world: AuthWorld) -> None:
        self._world = world
        self._made: list[tuple[Reservation, ...]] = []

    async def step(self, kind: str, number: int) -> object:
        """What can be told from outside."""
        match kind:
            case "try":
                return await self._try(*CHARGES[number])
            case "clear":
                await self._world.throttle.clear(CHARGES[number][-1] or CHARGES[number][0])
            case "wait":
                await self._world.pass_time(number * HALF)
            case _ if self._made:
                made = self._made.pop(number % len(self._made))
                await getattr(self._world.throttle, kind)(made)
        return None

    async def _try(self, first: Charge, second: Charge | None) -> object:
        try:
            made = await self._world.throttle.reserve(first, second)
        except LoginThrottledError as refusal:
            return round((refusal.retry_after or 0) / HALF.total_seconds())
        self._made.append(made)
        return [one.failures for one in made]


async def test_the_statements_decide_as_the_rules_do(
    engine: AsyncEngine, statements: Statements, reader: AsyncpgReader, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    postgres = auth_on_postgres(engine, statements, reader, tmp_path)

    def result_of(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result()

    @settings(max_examples=40, deadline=None)
    @given(st.lists(STEPS, min_size=40, max_size=80))
    def histories_agree(history: list[tuple[str, int]]) -> None:
        result_of(statements.rows("truncate auth.throttle"))
        expected, actual = Run(auth_in_memory()), Run(postgres)

        for kind, number in history:
            rule = result_of(expected.step(kind, number))
            assert result_of(actual.step(kind, number)) == rule

    await asyncio.to_thread(histories_agree)
