"""Keys and clocks for the token tests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.modules.auth.infrastructure.key_ring import KeyRing
from app.shared.testing.clock import FixedClock

PUBLISH_AHEAD = timedelta(minutes=5)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def key_ring(keys_dir: Path, clock: FixedClock) -> KeyRing:
    return KeyRing.ensure(keys_dir, clock, publish_ahead=PUBLISH_AHEAD)
