"""What was said to a target and what it answered: the memory of the everywhere-assertions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

_SECRET_NAMES = re.compile(r"password|token|secret|api_key")
_ADDRESS_NAMES = {"email", "new_email", "username"}
_PIECE = re.compile(r"[A-Za-z0-9_-]{20,}")
_PHRASE = re.compile(r"(?=.*[ @]).{12,}", re.DOTALL)
"""What is short, or a single word, may stand in a log for reasons of its own."""

_LEAST_LETTERS = 12
"""Different ones: what has fewer is nothing that anybody drew at random."""


@dataclass
class Wire:
    """Every answer of a target, and every secret and address that went either way."""

    statuses: list[tuple[str, int]] = field(default_factory=list)
    allowed: set[int] = field(default_factory=set)
    """Statuses of 500 and above that the present test provokes."""
    _phrases: set[str] = field(default_factory=set)
    _tokens: set[str] = field(default_factory=set)

    async def hear(self, response: httpx.Response) -> None:
        """An event hook of httpx."""
        await response.aread()
        request = response.request
        self.statuses.append((f"{request.method} {request.url.path[:80]}", response.status_code))
        self.keep_token(request.headers.get("authorization", ""))
        self._read(request.headers.get("content-type", ""), request.content)
        self._read(response.headers.get("content-type", ""), response.content)

    def keep_token(self, token: str) -> None:
        """Only its last part counts: the others are names, or the same in many tokens."""
        pieces = _PIECE.findall(token)
        if pieces and len({*pieces[-1]}) >= _LEAST_LETTERS:
            self._tokens.add(pieces[-1])

    def faults(self) -> list[tuple[str, int]]:
        """The answers that no server gives; forgets them, and what was allowed."""
        wrong = [
            (what, status)
            for what, status in self.statuses
            if status >= 500 and status not in self.allowed
        ]
        self.statuses.clear()
        self.allowed.clear()
        return wrong

    def secrets_in(self, log: str) -> list[str]:
        found = {*_PIECE.findall(log)} & self._tokens
        return [*found, *(phrase for phrase in self._phrases if phrase in log)]

    def _read(self, content_type: str, content: bytes) -> None:
        if not content or len(content) > 65_536:
            return
        try:
            if "json" in content_type:
                members = json.loads(content)
            elif "form" in content_type:
                members = dict(parse_qsl(content.decode()))
            else:
                return
        except (ValueError, RecursionError):
            return
        if isinstance(members, dict):
            self._keep(members)

    def _keep(self, members: dict[str, Any]) -> None:
        for name, value in members.items():
            if not isinstance(value, str):
                continue
            if name in _ADDRESS_NAMES or "password" in name:
                if _PHRASE.fullmatch(value):
                    self._phrases |= {value, json.dumps(value)[1:-1]}
            elif _SECRET_NAMES.search(name):
                self.keep_token(value)
