"""An event as a NATS message, and back; what comes from outside is not believed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from app.shared.application.event_bus import Discard, StoredEvent

ID = "Nats-Msg-Id"
"""The header by which JetStream drops a message that it stored before."""

VERSION = "Event-Version"
KEY = "Event-Key"
"""A JSON string, so that every key survives; without one there is no header."""

OCCURRED_AT = "Event-Occurred-At"
META = "Event-Meta"

MOST_PAYLOAD = 1_048_576
MOST_KEY = 512
MOST_META = 4_096
"""Bytes; an event of ours has a few hundred."""

_NAME = re.compile(r"[a-z_]{1,64}")


def headers_of(event: StoredEvent) -> dict[str, str]:
    headers = {
        ID: str(event.id),
        VERSION: str(event.version),
        OCCURRED_AT: event.occurred_at.isoformat(),
        META: json.dumps(dict(event.meta)),
    }
    return headers if event.key is None else headers | {KEY: json.dumps(event.key)}


def event_of(event_type: str, headers: Mapping[str, str] | None, data: bytes) -> StoredEvent:
    """Raises `Discard` for a message that is not one of these, without repeating any of it."""
    headers = headers or {}
    if len(data) > MOST_PAYLOAD:
        raise Discard("its payload is too long")
    try:
        payload = data.decode()
        if not isinstance(_json(payload), dict):
            raise Discard("its payload is not an object")
        return StoredEvent(
            id=UUID(headers[ID]),
            type=event_type,
            version=_version(headers[VERSION]),
            key=_key(headers.get(KEY)),
            payload=payload,
            meta=_meta(headers.get(META, "{}")),
            occurred_at=_time(headers[OCCURRED_AT]),
        )
    except KeyError as error:
        raise Discard(f"it lacks the header {error.args[0]}") from None
    except (ValueError, RecursionError) as error:
        raise Discard(f"it is malformed ({type(error).__name__})") from None


def _version(text: str) -> int:
    version = int(text)
    if not 1 <= version <= 32_767:
        raise ValueError
    return version


def _key(text: str | None) -> str | None:
    key = None if text is None else _json(text)
    if key is not None and not (isinstance(key, str) and len(key.encode()) <= MOST_KEY):
        raise ValueError
    return key


def _meta(text: str) -> dict[str, str]:
    if len(text) > MOST_META:
        raise Discard("its meta is too long")
    meta = _json(text)
    if not (isinstance(meta, dict) and all(_is_plain(*item) for item in meta.items())):
        raise Discard("its meta is not of names and printable texts")
    return meta


def _is_plain(name: str, value: object) -> bool:
    """Whether it may go into log lines."""
    return isinstance(value, str) and value.isprintable() and bool(_NAME.fullmatch(name))


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(_: str) -> NoReturn:
    """NaN and Infinity are not JSON, and PostgreSQL would refuse them."""
    raise ValueError
