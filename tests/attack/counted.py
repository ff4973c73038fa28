"""The product's own command line, in a process that notes each run of Argon2 in a file.

What costs time is counted where it is spent, in the library, so that the count does not depend
on the machine or on anything of ours.
"""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

VARIABLE = "ATTACK_HASHES"


def main() -> None:
    """Each line of the file is a call, with the cost of the hash that it makes or checks."""
    hashes = os.open(Path(os.environ[VARIABLE]), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    make, check = PasswordHasher.hash, PasswordHasher.verify

    @wraps(make)
    def making(self: PasswordHasher, *arguments: Any, **more: Any) -> str:
        made = make(self, *arguments, **more)
        os.write(hashes, f"{made.rsplit('$', 2)[0]}\n".encode())
        return made

    @wraps(check)
    def checking(self: PasswordHasher, hash: Any, password: Any) -> bool:  # noqa: A002  # theirs
        os.write(hashes, f"{str(hash).rsplit('$', 2)[0]}\n".encode())
        return check(self, hash, password)

    setattr(PasswordHasher, "hash", making)  # noqa: B010  # a method of another library
    setattr(PasswordHasher, "verify", checking)  # noqa: B010  # the method of somebody else's class

    from app.cli import main as product

    product()
