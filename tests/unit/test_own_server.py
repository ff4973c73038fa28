"""The application behind a server that is not ours, started without our command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import structlog
from app.main import create_app

create_app()
try:
    password = "correct horse battery staple"
    raise RuntimeError
except RuntimeError:
    structlog.get_logger().exception("a defect")
"""


def test_its_tracebacks_show_no_local_variables(tmp_path: Path) -> None:
    environment = {**os.environ, "APP_DATA_DIR": str(tmp_path), "APP_LOG_FORMAT": "json"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )

    assert "a defect" in done.stdout
    assert "correct horse" not in done.stdout + done.stderr
