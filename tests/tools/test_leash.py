"""A command on a leash ends with whoever holds it."""

import subprocess
import sys

from tools.postgres import ROOT

PATIENT = "import time; print('here', flush=True); time.sleep(600)"


def on_a_leash(program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tools.leash", sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_command_ends_when_its_owner_lets_go() -> None:
    leash = on_a_leash(PATIENT)
    assert next(iter(leash.stdout or ())) == "here\n"

    leash.communicate(timeout=10)

    assert leash.returncode != 0


def test_what_the_command_started_ends_with_it() -> None:
    starts_another = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PATIENT!r}])"
    leash = on_a_leash(starts_another)
    assert next(iter(leash.stdout or ())) == "here\n"

    leash.communicate(timeout=10)  # ends when nobody can write to the pipe any more

    assert leash.returncode != 0


def test_the_exit_code_of_the_command_is_passed_on() -> None:
    leash = on_a_leash("raise SystemExit(7)")

    leash.wait(timeout=10)
    leash.communicate()

    assert leash.returncode == 7
