"""What modules may get wrong about each other before anything runs."""

from __future__ import annotations


class CompositionError(Exception):
    """What the modules declare does not go together: no process starts with it. One line."""
