"""Breaks one mechanism of the deliveries after the other, in a copy, and sees the tests fail."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.mutants.mutations import MUTATIONS, Mutation, StaleMutationError
from tools.postgres import ROOT, EmbeddedPostgres
from tools.pytest_postgres import VARIABLE

COPIED = ("src", "tests", "tools", "migrations", "alembic.ini", "pyproject.toml")
LIMIT = 90.0
"""Seconds for the tests of one mutation; what hangs has noticed it, too."""
ALIVE = "tests/integration/messaging/test_dispatcher.py::test_a_shutdown_waits_for_what_runs"
"""Passes under every mutation: what breaks all of it would show nothing."""

FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/\S+?::\w+)", re.MULTILINE)


class Copy:
    """A copy of the checkout, in which its own `app` is found before the installed one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        self._environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(folder)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        where = [sys.executable, "-c", "import app; print(app.__file__)"]
        found = subprocess.run(
            where, cwd=folder, env=self._environment, check=True, capture_output=True, text=True
        )
        if not Path(found.stdout.strip()).is_relative_to(folder):
            sys.exit(f"the copy would test {found.stdout.strip()}")

    def failures(self, tests: Sequence[str]) -> set[str] | None:
        """Which of the tests fail; None when they hang."""
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider"]
        run = subprocess.Popen(
            [*command, *tests],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = run.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            return None
        if run.returncode not in (0, 1):
            sys.exit(f"pytest itself failed:\n{output}")
        return set(FAILED.findall(output))

    def verdict(self, mutation: Mutation) -> list[str]:
        """What is wrong with the tests; nothing when they noticed the mutation."""
        healthy = {edit.file: (self.folder / edit.file).read_text() for edit in mutation.edits}
        try:
            for edit in mutation.edits:
                (self.folder / edit.file).write_text(edit.applied(self.folder))
            failures = self.failures([*mutation.red, *mutation.green, ALIVE])
        finally:
            for file, content in healthy.items():
                (self.folder / file).write_text(content)
        if failures is None:
            return []
        return [
            *(f"{test} did not notice" for test in mutation.red if test not in failures),
            *(f"{test} failed, too" for test in (*mutation.green, ALIVE) if test in failures),
        ]


def main(wanted: Sequence[str]) -> int:
    """All mutations, or those in whose description one of the words occurs."""
    mutations = [
        mutation
        for mutation in MUTATIONS
        if not wanted or any(word in mutation.what for word in wanted)
    ]
    survived = 0
    with TemporaryDirectory() as folder:
        copy = Copy(Path(folder).resolve())
        for edit in (edit for mutation in mutations for edit in mutation.edits):
            try:
                edit.applied(copy.folder)
            except StaleMutationError as error:
                sys.exit(f"{error}: adapt the mutation")
        named = {ALIVE, *(test for each in mutations for test in (*each.red, *each.green))}
        failures = copy.failures(sorted(named))
        if failures != set():
            sys.exit(f"these fail without any mutation: {sorted(failures or named)}")
        print(f"{len(named)} tests are green without any mutation", flush=True)
        for mutation in mutations:
            began = monotonic()
            faults = copy.verdict(mutation)
            survived += bool(faults)
            seen = "SURVIVED" if faults else "noticed "
            print(f"  {seen} {monotonic() - began:5.1f} s  {mutation.what}", flush=True)
            for fault in faults:
                print(f"           {fault}", flush=True)
    print(f"{len(mutations) - survived} of {len(mutations)} mutations were noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    server = nullcontext() if VARIABLE in os.environ else EmbeddedPostgres.for_tests()
    with server as url:
        os.environ.setdefault(VARIABLE, url or "")
        sys.exit(main(sys.argv[1:]))
