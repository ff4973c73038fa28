"""The rotation over the fakes does what the model of its table says, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contract.auth_worlds import AuthWorld, auth_in_memory
from tests.rotation.driver import POLICY
from tests.rotation.machine import RotationMachine

T = TypeVar("T")


class RotationInMemory(RotationMachine):
    def make_world(self) -> AuthWorld:
        self.loop = asyncio.new_event_loop()
        return auth_in_memory(POLICY)

    def run_in_world(self, doing: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(doing)

    def teardown(self) -> None:
        self.loop.close()


def test_the_rotation_in_memory_is_the_table() -> None:
    run_state_machine_as_test(
        RotationInMemory,
        settings=settings(max_examples=200, stateful_step_count=40, deadline=None),
    )
