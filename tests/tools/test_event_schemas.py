"""`make event-schemas`: what it writes for a developer, and what it refuses to overwrite."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.postgres import ROOT

EVENTS = "src/app/modules/auth/contracts/events.py"
SCHEMA = "tests/data/events/auth.account_registered.v1.schema.json"
FIELD = "    account_id: UUID\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The product, the tools and the committed schemas in a folder where they may be changed."""
    for part in ("src", "tools", "tests/data/events"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run_in(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.event_schemas"],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(project / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), "utf-8")


def test_an_addition_is_written_and_named(project: Path) -> None:
    edit(project / EVENTS, FIELD, f'{FIELD}    invited_by: str = ""\n')

    ran = run_in(project)

    assert (ran.returncode, ran.stdout) == (0, f"wrote {SCHEMA}\n"), ran.stderr
    assert '"invited_by"' in (project / SCHEMA).read_text("utf-8")
    assert run_in(project).stdout == ""


def test_a_breaking_change_is_refused_with_its_way_out(project: Path) -> None:
    before = (project / SCHEMA).read_text("utf-8")
    edit(project / EVENTS, FIELD, f"{FIELD}    invited_by: str\n")

    ran = run_in(project)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "`invited_by` is required" in ran.stderr
    assert "raise the `version` of AccountRegistered to 2" in ran.stderr
    assert (project / SCHEMA).read_text("utf-8") == before
