"""Install exactly what poetry.lock says into .venv; needs only Python and its standard library.

Poetry reads the lock and pip installs from it, with hashes, so that the user's own pip
configuration (an index, a proxy, a certificate) holds for everything that is fetched.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.steps import StepError, fail, step

OLDEST, NEWEST = (3, 11), (3, 14)
POETRY = ("poetry==2.5.1", "poetry-plugin-export==1.10.1")
POETRY_WITH_GROUPS = (2, 2)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OWN_POETRY = ROOT / ".poetry"
STAMP = VENV / "installed.json"
UNREACHABLE = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|name resolution|Max retries exceeded"
)


def install() -> None:
    """Do what is left to do; a stamp, written last, says what has been done.

    A change of the locked packages, of Python or of the checkout's place rebuilds .venv, so that
    nothing stays that the lock does not name; a change of pyproject.toml alone does not.
    """
    place = f"{sys.version} {ROOT}"
    locked = _digest(place, _text("poetry.lock"), _text("pyproject.toml"))
    if _stamp().get("locked") == locked:
        return
    with _alone():
        if _stamp().get("locked") == locked:
            return
        poetry = _poetry()
        with step("read poetry.lock"):
            export = ("export", "--with", "dev", "--format", "requirements.txt")
            requirements = _run(poetry, *export, hint="is poetry.lock up to date?")
        packages = _digest(place, requirements)
        if _stamp().get("packages") != packages:
            _rebuild(requirements)
        STAMP.unlink(missing_ok=True)
        with step("install the checkout"):
            _pip(VENV, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        STAMP.write_text(json.dumps({"locked": locked, "packages": packages}), "utf-8")


def _rebuild(requirements: str) -> None:
    with step("make .venv"):
        _make_venv(VENV)
    listed = VENV / "requirements.txt"
    listed.write_text(requirements, "utf-8")
    count = len(re.findall(r"^\S+==", requirements, re.MULTILINE))
    with step(f"install {count} locked packages"):
        _pip(VENV, "--no-deps", "--require-hashes", "--requirement", str(listed))


def _poetry() -> str:
    """A Poetry that can export groups: the one on the path, or our own."""
    found = shutil.which("poetry")
    if found is not None and _can_export(found):
        return found
    own, complete = OWN_POETRY / "bin" / "poetry", OWN_POETRY / "installed.txt"
    wanted = f"{' '.join(POETRY)} {sys.version} {ROOT}"
    if not own.exists() or not complete.exists() or complete.read_text("utf-8") != wanted:
        with step(f"bring {POETRY[0].replace('==', ' ')} into .poetry"):
            _make_venv(OWN_POETRY)
            _pip(OWN_POETRY, *POETRY)
            complete.write_text(wanted, "utf-8")
    return str(own)


def _can_export(poetry: str) -> bool:
    def ask(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([poetry, *arguments], capture_output=True, text=True, check=False)

    try:
        version = re.search(r"(\d+)\.(\d+)", ask("--version").stdout)
        return (
            version is not None
            and (int(version[1]), int(version[2])) >= POETRY_WITH_GROUPS
            and ask("export", "--help").returncode == 0
        )
    except OSError:
        return False


def _make_venv(folder: Path) -> None:
    # The interpreter below an activated .venv: that .venv may be the one to be rebuilt.
    python = getattr(sys, "_base_executable", sys.executable)
    _run(python, "-m", "venv", "--clear", str(folder), hint="apt install python3-venv")


def _pip(venv: Path, *arguments: str) -> None:
    python = str(venv / "bin" / "python")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run(python, "-m", "pip", "install", *quiet, *arguments, hint="see what pip says above")


def _run(*command: str, hint: str) -> str:
    """Run silently; what the command said is shown when it fails."""
    environment = {**os.environ, "PIP_USER": "0", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return done.stdout
    said = done.stdout + done.stderr
    if UNREACHABLE.search(said):
        raise StepError(
            "no package index answers: check the network, or the index and proxy of pip's "
            "configuration, then run the same command again"
        )
    name = " ".join(Path(part).name for part in command[:3])
    raise StepError(f"{name} failed ({hint})\n{said.strip()}")


@contextlib.contextmanager
def _alone() -> "Iterator[None]":
    """Keep out a second installation of this checkout until this one is done."""
    with (ROOT / "poetry.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step("wait for another installation of this checkout"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp() -> "dict[str, str]":
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if (VENV / "bin" / "python").exists() else {}


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def main() -> int:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        fail(
            f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed and this is "
            f"{sys.version.split()[0]}: install one and run `make PYTHON=python3.12 ...`"
        )
        return 1
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            fail(f"this Python has no {module}: install it (`apt install python3-venv`)")
            return 1
    try:
        install()
    except StepError as error:
        fail(error)
        return 1
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}")
        return 1
    except KeyboardInterrupt:
        fail("interrupted; the same command goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
