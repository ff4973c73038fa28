"""Identifiers that sort by the time of their making."""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): unique without asking anybody, close together in an index."""
    return uuid_utils.compat.uuid7()
