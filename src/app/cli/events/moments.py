"""Moments and ages as an operator writes them, and ages as one reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from app.cli.console import fail

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_AGE = re.compile(r"([0-9]{1,9})([wdhms])")
_LONGEST = timedelta(days=36_500)


def age(written: str) -> timedelta:
    """`90s`, `15m`, `2h`, `7d` or `4w`; anything else ends the command."""
    read = _age(written)
    if read is None:
        fail(f"{written} is no age: write it like 90s, 15m, 2h, 7d or 4w")
    return read


def moment(written: str) -> datetime | timedelta:
    """ISO 8601, in UTC unless it says otherwise, or an age; anything else ends the command."""
    if (read := _age(written)) is not None:
        return read
    try:
        at = datetime.fromisoformat(written)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        fail(f"{written} is no time: write ISO 8601, or an age like 2h or 7d")


def described(seconds: float) -> str:
    """In its two largest units: `3d 4h`."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def _age(written: str) -> timedelta | None:
    parts = _AGE.fullmatch(written)
    read = timedelta(**{_UNITS[parts[2]]: int(parts[1])}) if parts else None
    return read if read is not None and read <= _LONGEST else None
