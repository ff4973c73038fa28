"""The product as data: every file imported, every class listed, every container opened."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import app
from app.shared.process import Process

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/app"


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every Python module under `app`, imported."""
    found = pkgutil.walk_packages(app.__path__, "app.")
    return (app, *(importlib.import_module(module.name) for module in found))


def classes(under: str = "app") -> list[type]:
    """Every class that is defined in the package of this name, each once."""
    return [
        member
        for module in modules()
        if f"{module.__name__}.".startswith(f"{under}.")
        for member in vars(module).values()
        if inspect.isclass(member) and member.__module__ == module.__name__
    ]


def bounded_contexts() -> list[str]:
    """The names of the packages in `app.modules`."""
    return sorted(path.parent.name for path in (SOURCE / "modules").glob("*/__init__.py"))


def use_cases(context: str) -> list[type]:
    """The handlers of a module: what can be called in its commands, queries and reactions."""
    return [
        found
        for kind in ("commands", "queries", "reactions")
        for found in classes(f"app.modules.{context}.application.{kind}")
        if "__call__" in vars(found)
    ]


def containers(process: Process) -> dict[str, Any]:
    """The containers of the modules, by the name of their module."""
    return {_declared_in(container): container for container in process.modules}


def _declared_in(container: Any) -> str:
    return str(container.declarative_parent.__module__.split(".")[2])


def is_frozen(kind: Any) -> bool:
    return "__dataclass_fields__" in vars(kind) and bool(kind.__dataclass_params__.frozen)


def is_slotted(kind: type) -> bool:
    return "__slots__" in vars(kind)
