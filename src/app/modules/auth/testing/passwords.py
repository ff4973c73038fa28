"""Passwords at no cost."""

from __future__ import annotations

from app.modules.auth.application.ports import PasswordCheck, PasswordHasher
from app.modules.auth.domain.password import CommonPasswords


class FakePasswordHasher(PasswordHasher):
    """`runs` counts the work, which must not depend on whether an address is known.

    Another `scheme` makes the hashes made so far outdated.
    """

    def __init__(self) -> None:
        self.runs = 0
        self.scheme = "fake1"

    async def hash(self, password: str, *, client: str | None = None) -> str:
        del client
        self.runs += 1
        return f"{self.scheme}:{password}"

    async def check(
        self, password: str, password_hash: str | None, *, client: str | None = None
    ) -> PasswordCheck:
        del client
        self.runs += 1
        scheme, separator, stored = (password_hash or "").partition(":")
        matches = bool(separator) and stored == password
        return PasswordCheck(matches, outdated=matches and scheme != self.scheme)


class FewCommonPasswords(CommonPasswords):
    def __contains__(self, word: str) -> bool:
        return word in {"password", "qwertyuiop"}
