"""The hostile bodies of the data folder, and the endpoints that read JSON."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

JSON_ENDPOINTS = (
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("POST", "/api/v1/auth/logout"),
    ("PATCH", "/api/v1/users/me"),
)

_FILE = Path(__file__).parents[1] / "data" / "hostile_json_bodies.json"


@dataclass(frozen=True)
class HostileBody:
    """A body that some JSON reader somewhere stumbles over, and what it deserves."""

    id: str
    content_type: str
    content: bytes
    may_succeed: bool
    """Whether reading it is right as well: what it holds is odd and not wrong."""

    def may_be_answered(self, status: int) -> bool:
        return 400 <= status < 500 or (self.may_succeed and 200 <= status < 300)

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": self.content_type} if self.content_type else {}


def hostile_bodies() -> list[HostileBody]:
    return [
        HostileBody(
            id=case["id"],
            content_type=case["content_type"],
            content=b64decode(case["body_b64"]),
            may_succeed=case["expect"] != "4xx",
        )
        for case in json.loads(_FILE.read_text(encoding="utf-8"))
    ]
