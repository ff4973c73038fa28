"""The worlds in which every contract must hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.auth_worlds import AuthWorld, auth_in_memory, auth_on_postgres


@pytest.fixture(params=["memory", "postgres"])
def auth(request: pytest.FixtureRequest, tmp_path: Path) -> AuthWorld:
    if request.param == "memory":
        return auth_in_memory()
    return auth_on_postgres(
        request.getfixturevalue("engine"),
        request.getfixturevalue("statements"),
        request.getfixturevalue("reader"),
        tmp_path / "keys",
    )
