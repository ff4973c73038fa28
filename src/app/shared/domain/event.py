"""Events: facts that happened, under names that outlive the code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

_WORDS = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
EVENT_NAME = re.compile(rf"{_WORDS}\.{_WORDS}")
"""`<module>.<what_happened>`, in small letters, digits and single underscores."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes the payload of one version into that of the next: as JSON has it, so an id is a string."""


class Event:
    """The parent of every event, which is a frozen, slotted dataclass of plain facts.

    An event is stored for years and read by others: it holds ids and facts, never a secret and
    never personal data. It is additive-only; a removed or retyped field raises `version` and
    brings an upcaster, by which what was stored before is still read.
    """

    __slots__ = ()

    name: ClassVar[str]
    """The stable name, `<module>.<what_happened>`; never a class path."""
    version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Upcaster]] = MappingProxyType({})
    """By the version that each one reads: one for every version before the present one."""

    @property
    def key(self) -> str | None:
        """Events with the same key are delivered in order; None promises no order."""
        return None
