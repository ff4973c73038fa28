"""A file system that is soon full, for a PostgreSQL of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from tools.postgres import SYSTEM

SIZE = "128m"
"""Twice what an empty cluster needs."""
CHUNK = bytes(64 * 1024)


class NoDiskError(Exception):
    """Nothing may be mounted here; the message says why."""


class SmallDisk:
    """A tmpfs, and in it a file that takes all that PostgreSQL left."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise NoDiskError("mounting a small disk takes root")
        SYSTEM.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.folder = Path(mkdtemp(prefix="small-disk-", dir=SYSTEM))
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            self.folder.rmdir()
            raise NoDiskError(f"a small disk cannot be mounted: {mounted.stderr.strip()}")

    def fill(self) -> None:
        """To the last byte."""
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as filler:
            while filler.write(CHUNK):
                pass
        with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as filler:
            while filler.write(b"\0"):
                pass

    def free(self) -> None:
        (self.folder / "filler").unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        shutil.rmtree(self.folder)
