"""Events: facts that happened, under names that outlive the code."""

from __future__ import annotations

from typing import ClassVar


class Event:
    """The parent of every event, which is a frozen, slotted dataclass of plain facts.

    An event is stored for years and read by others: it holds ids and facts, never a secret and
    never personal data. It is additive-only; a removed or retyped field raises `version`.
    """

    __slots__ = ()

    name: ClassVar[str]
    """The stable name, `<module>.<what_happened>`; never a class path."""
    version: ClassVar[int] = 1

    @property
    def key(self) -> str | None:
        """Events with the same key are delivered in order; None promises no order."""
        return None
