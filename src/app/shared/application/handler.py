"""The decorator of every command, query and reaction handler."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar, dataclass_transform
from weakref import WeakSet

import structlog

from app.shared.application.authorization import Access

_Handler = TypeVar("_Handler")
_handlers: WeakSet[type] = WeakSet()
_log = structlog.get_logger("app.use_case")


@dataclass_transform(frozen_default=True, kw_only_default=False)
def handler(cls: type[_Handler]) -> type[_Handler]:
    """Make the class a frozen dataclass of its collaborators, and guard and observe its `__call__`.

    Whom the class attribute `access` does not admit is refused before anything happens. What is
    logged is the use case's name, its outcome and its milliseconds, never the message.
    """
    made = dataclass(frozen=True)(cls)
    call: Callable[..., Awaitable[Any]] = made.__call__
    name = cls.__name__.removesuffix("Handler")
    access: Access | None = getattr(cls, "access", None)

    @functools.wraps(call)
    async def observed(self: _Handler, *message: Any) -> Any:
        started = perf_counter()
        outcome = "failed"
        try:
            if access is not None and access.identified:
                access.refuse(message[0].caller)
            result = await call(self, *message)
            outcome = "done"
        finally:
            _log.debug(
                "use case",
                use_case=name,
                outcome=outcome,
                ms=round((perf_counter() - started) * 1000, 3),
            )
        return result

    type.__setattr__(made, "__call__", observed)
    _handlers.add(made)
    return made


def is_handler(kind: type) -> bool:
    """Whether the decorator made it."""
    return kind in _handlers
