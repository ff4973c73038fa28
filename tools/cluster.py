"""One PostgreSQL cluster on disk: its files, the account of its programs, its start and stop."""

import fcntl
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SUPERUSER = "postgres"
LOCALE = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
DEFAULTS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "jit": "off",
}
START_ATTEMPTS = 5
OWNER_GONE_WITHIN = 3.0


class PostgresError(Exception):
    """The embedded PostgreSQL cannot be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class Cluster:
    """The files of one server below `home`, and the account that its programs run as.

    `home` belongs to whoever starts the server. Only `data` belongs to `uid`, so that a process of
    that account can never put a link in the way of a starter that is root.
    """

    programs: Path
    home: Path
    uid: int | None = None
    gid: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text("utf-8")

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def url(self, port: int) -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{port}/postgres"

    def running_url(self) -> str | None:
        """The address of the server that runs on these data now, if one does."""
        lines = self._pid_file()
        ready = "".join(lines[7:]).strip() == "ready"  # neither starting nor stopping
        return self.url(int(lines[3])) if ready and self._is_running() else None

    def own(self, *, wait: bool = True) -> IO[str]:
        """The lock of the only owner, until closed; a killed one's may come free in a moment.

        Raises BlockingIOError when the other owner stays, without `wait` when there is one.
        """
        lock = (self.home / "owner.lock").open("w")
        give_up = time.monotonic() + (OWNER_GONE_WITHIN if wait else 0.0)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up:
                    lock.close()
                    raise
                time.sleep(0.1)
            else:
                return lock

    def initialise(self) -> None:
        """Make the cluster unless it is there; what an interrupted attempt left is thrown away."""
        if self.data.exists():
            return
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self.home / "password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24), "utf-8")
        if self.uid is not None and self.gid is not None:
            shutil.chown(draft, self.uid, self.gid)
            shutil.chown(password, self.uid, self.gid)
        access = (f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={password}")
        done = self._run("initdb", f"--pgdata={draft}", "--no-instructions", *access, *LOCALE)
        if done != 0:
            raise PostgresError(f"PostgreSQL could not make its data folder: {self._last_words()}")
        draft.rename(self.data)

    def start(self) -> int:
        """Start the server, after whatever an earlier owner left, and return its port.

        Only the server's own bind decides whether a port is free, so a port lost between choosing
        and binding costs another attempt.
        """
        self.stop()
        port_file = self.home / "port"
        remembered = port_file.read_text("ascii") if port_file.exists() else ""
        port = int(remembered) if remembered.isdigit() else _free_port()
        for _ in range(START_ATTEMPTS):
            settings = {**DEFAULTS, **self.settings, "port": str(port)}
            options = shlex.join(f"--{name}={value}" for name, value in settings.items())
            if self._control("start", "-o", options):
                port_file.write_text(str(port), "ascii")
                return port
            port = _free_port()
        raise PostgresError(f"PostgreSQL does not start: {self._last_words()} (see {self.log})")

    def stop(self) -> None:
        """Stop the server if it runs, in an orderly way and, failing that, at once."""
        if not self._is_running():
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        for mode in ("fast", "immediate"):
            if self._control("stop", "-m", mode):
                return
        raise PostgresError(f"PostgreSQL does not stop: process {self._pid_file()[0]}")

    def _is_running(self) -> bool:
        """Whether the noted process serves these data; its number may be a stranger's by now."""
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return False
        ps = ("ps", "-ww", "-p", lines[0], "-o", "args=")
        proc = Path(f"/proc/{lines[0]}/cmdline")
        try:
            if Path("/proc/self").exists():
                arguments = proc.read_bytes()
            else:
                arguments = subprocess.run(ps, capture_output=True, check=False).stdout
        except OSError:
            return False
        return str(self.data).encode() in arguments

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return []

    def _control(self, action: str, *arguments: str) -> bool:
        return self._run("pg_ctl", action, "-w", "-s", f"--pgdata={self.data}", *arguments) == 0

    def _run(self, program: str, *arguments: str) -> int:
        """Run a program as the cluster's account, in a folder that this account may enter."""
        with self.log.open("ab") as log:
            try:
                return subprocess.run(
                    [str(self.programs / program), *arguments],
                    cwd="/",
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    user=self.uid,
                    group=self.gid,
                    extra_groups=None if self.uid is None else [],
                    umask=0o077,
                    check=False,
                ).returncode
            except OSError as error:
                raise PostgresError(f"cannot run {program} of PostgreSQL: {error}") from error

    def _last_words(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").strip().splitlines()
        told = [line for line in lines if "FATAL" in line or "error:" in line]
        return (told or lines or ["it said nothing"])[-1].strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
