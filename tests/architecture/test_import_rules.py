"""Every import rule is seen to fail: a copy of the product with one planted import breaks it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from importlinter import configuration
from importlinter.application import use_cases

ROOT = Path(__file__).resolve().parents[2]
RESULT = re.compile(r"^(.+) (KEPT|BROKEN)\b", re.MULTILINE)

PRODUCT = "The product is built in layers"
KERNEL = "The kernel is built in layers"
MODULE = "Every module is built in layers"
INSIDE = "The inside of a module uses the inside of the kernel"
ROUTES = "Routes reach the database through use cases"
ADAPTERS = "Adapters serve no requests"
NEIGHBOURS = "Modules know each other by contracts only"
SETTINGS = "Containers alone read settings"
DOUBLES = "Test doubles stay out of the product"
FRAMEWORKS = "No framework inside"
CONTRACTS = {
    PRODUCT,
    KERNEL,
    MODULE,
    INSIDE,
    ROUTES,
    ADAPTERS,
    NEIGHBOURS,
    SETTINGS,
    DOUBLES,
    FRAMEWORKS,
}

FORBIDDEN_FRAMEWORKS = [
    "aiosmtplib",
    "fastapi",
    "jinja2",
    "starlette",
    "sqlalchemy",
    "pydantic",
    "pydantic_settings",
    "dependency_injector",
    "jwt",
    "argon2",
    "asyncpg",
    "uvicorn",
    "typer",
]

Broken = Callable[[], set[str]]


@dataclass(frozen=True)
class Plant:
    """A line that one file gets and the one rule that it breaks."""

    file: str
    line: str
    breaks: str

    def __str__(self) -> str:
        return f"{self.file}: {self.line.strip()}"


class Copy:
    """The product in a folder of its own, where it may be spoiled."""

    def __init__(self, folder: Path) -> None:
        self.app = folder / "app"
        shutil.copytree(
            ROOT / "src/app", self.app, ignore=shutil.ignore_patterns("__pycache__", "data")
        )

    def plant(self, file: str, line: str) -> None:
        target = self.app / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a") as source:
            source.write(f"\n{line}\n")

    def add_module(self, name: str, *, like: str) -> None:
        shutil.copytree(self.app / "modules" / like, self.app / "modules" / name)
        for file in (self.app / "modules" / name).rglob("*.py"):
            text = file.read_text()
            file.write_text(text.replace(f"app.modules.{like}", f"app.modules.{name}"))


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copy]:
    """What import-linter finds when it looks for `app`."""
    configuration.configure()
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    copy = Copy(tmp_path)
    yield copy
    shutil.rmtree(copy.app)


@pytest.fixture
def broken(copy: Copy, capsys: pytest.CaptureFixture[str]) -> Broken:
    """The names of the contracts in pyproject.toml that the copy breaks."""

    def lint() -> set[str]:
        use_cases.lint_imports(str(ROOT / "pyproject.toml"), cache_dir=None, no_logo=True)
        printed = capsys.readouterr().out
        results = dict(RESULT.findall(printed))
        assert results.keys() == CONTRACTS, printed
        return {name for name, result in results.items() if result == "BROKEN"}

    return lint


IN_THE_PRODUCT = [
    Plant("database.py", "from app.shared.domain import ids", PRODUCT),
    Plant("shared/web.py", "from app.modules.users.domain import errors", PRODUCT),
    Plant("modules/auth/container.py", "import app.settings", PRODUCT),
    Plant("settings.py", "import app.container", PRODUCT),
    Plant("container.py", "import app.main", PRODUCT),
    Plant("main.py", "from app.cli import console", PRODUCT),
    Plant("extras.py", '"""A file that belongs to no layer."""', PRODUCT),
    Plant("shared/domain/ids.py", "from app.shared.application import clock", KERNEL),
    Plant("shared/application/clock.py", "from app.shared.infrastructure import periodic", KERNEL),
    Plant("shared/infrastructure/logs.py", "from app.shared.api import etag", KERNEL),
    Plant("shared/api/etag.py", "from app.shared.infrastructure import outages", KERNEL),
    Plant("shared/api/etag.py", "from app.shared import container", KERNEL),
    Plant("shared/container.py", "from app.shared import process", KERNEL),
    Plant("shared/process.py", "from app.shared import web", KERNEL),
    Plant("shared/extras.py", '"""A file that belongs to no layer."""', KERNEL),
    Plant("cli/keys.py", "from app.modules.auth import settings", SETTINGS),
    Plant("shared/web.py", "from app.shared import settings", SETTINGS),
    Plant("main.py", "from app.shared.testing import clock", DOUBLES),
    Plant("cli/keys.py", "from app.modules.auth import testing", DOUBLES),
    Plant("shared/application/clock.py", "import structlog, sqlalchemy", FRAMEWORKS),
    Plant("shared/domain/event.py", "from pydantic import BaseModel", FRAMEWORKS),
]

IN_A_NEW_MODULE = [
    Plant("contracts/__init__.py", "from app.modules.orders.domain import errors", MODULE),
    Plant("domain/errors.py", "from app.modules.orders.application import ports", MODULE),
    Plant("application/ports.py", "from app.modules.orders import infrastructure", MODULE),
    Plant("application/ports.py", "from app.modules.orders import api", MODULE),
    Plant("api/my_profile.py", "from app.modules.orders import container", MODULE),
    Plant("api/my_profile.py", "from app.modules.orders.infrastructure import tables", MODULE),
    Plant("infrastructure/tables.py", "from app.modules.orders.api import my_profile", MODULE),
    Plant("extras.py", '"""A file that belongs to no layer."""', MODULE),
    Plant("domain/errors.py", "from app.shared.infrastructure import periodic", INSIDE),
    Plant("application/ports.py", "from app.shared.infrastructure import periodic", INSIDE),
    Plant("contracts/__init__.py", "from app.shared.infrastructure import periodic", INSIDE),
    Plant("api/my_profile.py", "from app import database", ROUTES),
    Plant("api/my_profile.py", "from app.shared.infrastructure import statements", ROUTES),
    Plant("infrastructure/tables.py", "from app.shared.api import errors", ADAPTERS),
    Plant("domain/errors.py", "from app.modules.auth.domain import account", NEIGHBOURS),
    Plant("application/ports.py", "from app.modules.auth.domain import events", NEIGHBOURS),
    Plant(
        "infrastructure/tables.py", "from app.modules.auth.infrastructure import tables", NEIGHBOURS
    ),
    Plant("container.py", "from app.modules.auth import container", NEIGHBOURS),
    Plant("testing.py", "def late():\n    from app.modules.auth import testing", NEIGHBOURS),
    Plant("container.py", "from app.shared import testing", DOUBLES),
    Plant("infrastructure/tables.py", "from app.shared.testing import clock", DOUBLES),
    Plant("contracts/__init__.py", "import fastapi", FRAMEWORKS),
    *(Plant("domain/errors.py", f"import {name}", FRAMEWORKS) for name in FORBIDDEN_FRAMEWORKS),
    Plant("application/ports.py", "from sqlalchemy.ext.asyncio import AsyncSession", FRAMEWORKS),
]


def test_the_product_keeps_every_rule(broken: Broken) -> None:
    assert broken() == set()


@pytest.mark.parametrize("plant", IN_THE_PRODUCT, ids=str)
def test_a_forbidden_import_breaks_its_rule_and_no_other(
    plant: Plant, copy: Copy, broken: Broken
) -> None:
    copy.plant(plant.file, plant.line)

    assert broken() == {plant.breaks}


def test_a_new_module_keeps_every_rule_without_an_edit(copy: Copy, broken: Broken) -> None:
    copy.add_module("orders", like="users")

    assert broken() == set()


@pytest.mark.parametrize("plant", IN_A_NEW_MODULE, ids=str)
def test_a_forbidden_import_in_a_new_module_breaks_its_rule_and_no_other(
    plant: Plant, copy: Copy, broken: Broken
) -> None:
    copy.add_module("orders", like="users")
    copy.plant(f"modules/orders/{plant.file}", plant.line)

    assert broken() == {plant.breaks}


def test_a_framework_is_found_behind_a_file_of_ours(copy: Copy, broken: Broken) -> None:
    copy.plant("shared/domain/ids.py", "from app.shared.domain import identity")
    copy.plant("shared/domain/identity.py", "import app.database")

    assert broken() == {FRAMEWORKS}


def test_every_rule_was_seen_to_fail() -> None:
    seen = {plant.breaks for plant in (*IN_THE_PRODUCT, *IN_A_NEW_MODULE)}

    assert seen == CONTRACTS
