"""What a port that asks the database may raise, whatever is asked."""

from __future__ import annotations

from app.shared.domain.errors import UnavailableError


class DatabaseUnavailableError(UnavailableError):
    """PostgreSQL is out of reach, starting, stopping, read-only, full or too busy, or every
    connection is in use. When the connection broke, the request may have taken effect."""

    code = "database_unavailable"
    detail = "The database cannot be asked now; try again."
