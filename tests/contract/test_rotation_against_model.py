"""The rotation over PostgreSQL does what the model of its table says, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from app.shared.infrastructure.statements import AsyncpgReader, Statements
from tests.contract.auth_worlds import AuthWorld, auth_on_postgres
from tests.rotation.driver import EVEN, POLICY
from tests.rotation.machine import RotationMachine

T = TypeVar("T")


async def test_the_rotation_over_postgres_is_the_table(
    engine: AsyncEngine, statements: Statements, reader: AsyncpgReader, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()

    class RotationOverPostgres(RotationMachine):
        """Runs in a thread; the adapters stay in the loop that their connections belong to."""

        step = EVEN

        def make_world(self) -> AuthWorld:
            return auth_on_postgres(engine, statements, reader, tmp_path, POLICY)

        def run_in_world(self, doing: Coroutine[Any, Any, T]) -> T:
            return asyncio.run_coroutine_threadsafe(doing, loop).result()

        def teardown(self) -> None:
            self.run_in_world(self.world.clear())

    await asyncio.to_thread(
        run_state_machine_as_test,
        RotationOverPostgres,
        settings=settings(max_examples=30, stateful_step_count=30, deadline=None),
    )
