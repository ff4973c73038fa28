"""Fail points: where a process is told to die it dies, and nowhere else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

PASS_THREE_TIMES = """
from app.shared.infrastructure.fail_points import fail_point
for nth in range(1, 4):
    fail_point("after_claim")
    print(nth, flush=True)
"""


def run(failpoint: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASS_THREE_TIMES],
        env={**os.environ, "FAILPOINT": failpoint},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_one_nothing_happens() -> None:
    assert run("").stdout.split() == ["1", "2", "3"]


def test_another_one_is_passed_by() -> None:
    passed = run("mid_handler")

    assert (passed.returncode, passed.stdout.split()) == (0, ["1", "2", "3"])


def test_the_process_dies_there_by_sigkill() -> None:
    died = run("after_claim")

    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "")


def test_it_dies_at_the_nth_passage() -> None:
    died = run("after_claim:3")

    assert (died.returncode, died.stdout.split()) == (-signal.SIGKILL, ["1", "2"])


def test_an_unknown_one_is_refused_with_those_there_are() -> None:
    refused = run("after_clam")

    assert refused.returncode == 1
    assert "FAILPOINT names none of before_commit, after_commit, after_claim" in refused.stderr
