"""The event loop of a worker where uvloop cannot be had."""

from __future__ import annotations

import sys

import pytest

from app.cli.running import fastest_loop


def test_without_uvloop_a_worker_runs_on_asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert fastest_loop() is None
