"""Commands that run at the same time share a server: one starts it, and none loses it under way."""

from __future__ import annotations

import fcntl
import time
from typing import IO

from tools.postgres import EmbeddedPostgres, InUseError

STARTED_WITHIN = 60.0


class SharedPostgres:
    """The server that another process runs on the same data, or else one for whoever comes later.

    Each of those who share it holds a lock. The one that started it waits for the others, unless
    it does not share at all, as `make up` does not.
    """

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._joined: IO[str] | None = None

    def join(self) -> str | None:
        """The URL of the server of another process, if there is one. It stays until `stop`."""
        lock = self._locked(fcntl.LOCK_SH)
        # Only now: a moment ago its owner may have been stopping it.
        url = self._server.running_url()
        if url is None:
            lock.close()
        else:
            self._joined = lock
        return url

    def start(self) -> str:
        """Join or start it: of several at the same moment one starts it. Raises PostgresError."""
        give_up = time.monotonic() + STARTED_WITHIN
        while (url := self.join()) is None:
            try:
                return self._server.start(wait=False)
            except InUseError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)
        return url

    def stop(self) -> None:
        """Leave it to the others; where it was started here, wait for them and stop it."""
        if self._joined is not None:
            self._joined.close()
            self._joined = None
            return
        with self._locked(fcntl.LOCK_EX):
            self._server.stop()

    def _locked(self, how: int) -> IO[str]:
        self._server.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (self._server.data_dir / "joined.lock").open("w")
        fcntl.flock(lock, how)
        return lock
