"""A pytest plugin: TEST_DATABASE_URL leads to an embedded PostgreSQL unless it is set already.

One server for the whole run: the process that starts xdist's workers owns it, and they inherit
the variable. A run of nothing but tests that need no database starts none.
"""

import os
from pathlib import Path

import pytest

from tools.cluster import PostgresError
from tools.postgres import ROOT, EmbeddedPostgres

VARIABLE = "TEST_DATABASE_URL"
WITHOUT_DATABASE = (ROOT / "tests" / "unit", ROOT / "tests" / "architecture")
SERVER = pytest.StashKey[EmbeddedPostgres]()


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or VARIABLE in os.environ or not _needs_database(config):
        return
    server = EmbeddedPostgres.for_tests()
    try:
        os.environ[VARIABLE] = server.start()
    except PostgresError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SERVER] = server


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(SERVER, None)
    if server is not None:
        server.stop()
        del os.environ[VARIABLE]


def _needs_database(config: pytest.Config) -> bool:
    """Whether an argument of the command line asks for more than the tests without a database."""
    named = (config.invocation_params.dir / Path(arg.split("::")[0]) for arg in config.args)
    return not config.option.collectonly and any(
        not any(path.resolve().is_relative_to(folder) for folder in WITHOUT_DATABASE)
        for path in named
    )
