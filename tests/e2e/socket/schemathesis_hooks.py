"""Loaded by schemathesis itself: whose session a generated request carries, and from where."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

import httpx
import schemathesis

SERVER = os.environ["SERVER_URL"]
ADDRESSES = [address for address in os.environ["ADDRESSES"].split(",") if address]
"""Whom to log in as, the next one when the one before is disabled or deleted; nobody if empty."""
PASSWORD = os.environ["PASSWORD"]

_numbers = count()


class LivingSession:
    """A token that works: requests may log out, change a password or delete the account."""

    def __init__(self) -> None:
        headers = {"X-Forwarded-For": "203.0.113.1"}
        self._client = httpx.Client(base_url=SERVER, headers=headers, timeout=60)
        self._token = ""

    def get(self, case: Any, context: Any) -> str:
        del case, context
        if not self._is_alive():
            self._token = next(filter(None, map(self._log_in, ADDRESSES)))
        return self._token

    def set(self, case: Any, data: str, context: Any) -> None:
        del context
        case.headers["Authorization"] = f"Bearer {data}"

    def _is_alive(self) -> bool:
        if not self._token:
            return False
        account = self._client.get(
            "/api/v1/auth/account", headers={"Authorization": f"Bearer {self._token}"}
        )
        return account.status_code == 200

    def _log_in(self, email: str) -> str | None:
        answer = self._client.post(
            "/api/v1/auth/login", json={"email": email, "password": PASSWORD}
        )
        token: str | None = answer.json().get("access_token")
        return token


if ADDRESSES:
    schemathesis.auth(refresh_interval=None)(LivingSession)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Every request comes from somewhere else, or throttling would be all that is tested."""
    del context, kwargs
    number = next(_numbers)
    case.headers["X-Forwarded-For"] = f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1"
