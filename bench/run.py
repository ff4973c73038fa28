"""`make bench`: measures the product beside its ceiling in one run and judges the budgets."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from bench.accounting import Strangers
from bench.bare import CORES, BareSql, import_cpu_seconds
from bench.budgets import judge
from bench.deliveries import measure_deliveries, measure_idle
from bench.figures import Figures
from bench.measure import FULL, PUBLISHING, QUICK, WARM_SECONDS, Run
from bench.processes import BIN, ROOT, UVICORN, BrokenRunError, Postgres, Server
from bench.report import budgets, costs, machine, singles, write
from bench.revocation import APART, measure_revocation
from tools.postgres import EmbeddedPostgres

CHEAP_HASH = {"AUTH_PASSWORD_MEMORY_KIB": "8", "AUTH_PASSWORD_TIME_COST": "1"}
TOKENS = ("register", "login", "refresh", "me")


class Stage:
    """Where servers come from: one database, one folder of keys, one set of settings."""

    def __init__(self, folder: Path, postgres: Postgres, figures: Figures) -> None:
        self._folder = folder
        self._figures = figures
        self._env = {
            "DATABASE_URL": postgres.url,
            "APP_ENVIRONMENT": "development",
            "APP_DATA_DIR": str(folder / "data"),
            "AUTH_KEYS_DIR": str(folder / "keys"),
            "APP_LOG_LEVEL": "warning",
        }

    def migrate(self) -> None:
        command = [str(BIN / "app"), "migrate"]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | self._env, capture_output=True, text=True
        )
        if done.returncode:
            raise BrokenRunError(f"app migrate failed:\n{done.stdout}{done.stderr}")

    def product(self, env: dict[str, str]) -> Server:
        command = [str(BIN / "app"), "serve", "--workers", "1"]
        server = self._server("product", command, env, ready="/health/ready")
        self._figures.single["start to first answer, s"].append(server.start_seconds)
        self._figures.single["start to first answer, CPU s"].append(server.start_cpu)
        return server

    def probe(self, env: dict[str, str]) -> Server:
        command = [*UVICORN, "bench.probe_app:app"]
        return self._server("probe", command, env, ready="/health/ready")

    def ceiling(self, env: dict[str, str]) -> Server:
        return self._server("ceiling", [*UVICORN, "bench.ceiling:app"], env, ready="/empty")

    def _server(self, name: str, command: list[str], env: dict[str, str], *, ready: str) -> Server:
        return Server(name, command, self._env | env, ready=ready, logs=self._folder)


def measure(stage: Stage, run: Run, sql: BareSql) -> None:
    stage.migrate()
    for _ in range(run.effort.repetitions):
        run.figures.single["import, CPU s"].append(import_cpu_seconds("app.main"))
    with stage.product(CHEAP_HASH):
        run.say("doing nothing")
        measure_idle(run.postgres, run.figures, "app serve")
    with stage.product(CHEAP_HASH) as product, stage.ceiling(CHEAP_HASH) as ceiling:
        for server in (product, ceiling):
            run.warm(server, TOKENS)
        names = {"register": "register and its reaction", "login": "login, cheap hash"}
        run.routes([product, ceiling], names | {"refresh": "refresh", "me": "me"}, sql)
    with stage.probe(CHEAP_HASH) as probe, stage.ceiling(CHEAP_HASH) as ceiling:
        for server in (probe, ceiling):
            run.warm(server, ("claims", "empty"))
        run.routes([probe, ceiling], {"claims": "claims", "empty": "empty"}, sql)
    with stage.product({}) as product, stage.ceiling({}) as ceiling:
        run.rest(product)
        for server in (product, ceiling):
            run.warm(server, ())
            run.many(server)
        run.storm([product, ceiling])
    with stage.product(CHEAP_HASH | APART) as one, stage.product(CHEAP_HASH | APART) as other:
        run.say("a logout at one of two processes")
        measure_revocation(one, other, run.postgres, run.figures, run.effort.repetitions)
    # Late, for it leaves deliveries behind: what publishing costs, before anybody reacts.
    with stage.product(CHEAP_HASH | {"EVENTS_DISPATCH": "false"}) as product:
        product.order({"register": {"clients": run.effort.clients}}, WARM_SECONDS)
        run.routes([product], {"register": PUBLISHING}, sql)
    # At the very end: PostgreSQL is busy for minutes with writing down a million rows.
    run.say("deliveries")
    measure_deliveries(run.postgres, run.figures, run.effort.repetitions)


@contextmanager
def database(url: str | None) -> Iterator[Postgres]:
    """A database of the run's own, on the given server or on an embedded one that keeps promises.

    A server for tests does not wait for the disk; a commit that is measured does.
    """
    with ExitStack() as stack:
        if url is None:
            embedded = EmbeddedPostgres.for_tests(fsync="on", full_page_writes="on")
            url = stack.enter_context(embedded)
        postgres = Postgres(url)
        stack.callback(postgres.drop)
        yield postgres


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short repetition of everything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, for machines")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the results into a page")
    parser.add_argument("--database", metavar="URL", help="a PostgreSQL on this machine to use")
    options = parser.parse_args()
    begun, figures = time.monotonic(), Figures()
    effort = QUICK if options.quick else FULL

    def say(line: str) -> None:
        print(f"{time.monotonic() - begun:5.0f} s  {line}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as folder, database(options.database) as pg:
        strangers = Strangers(os.getpid(), pg.postmaster)
        stage = Stage(Path(folder), pg, figures)
        try:
            measure(stage, Run(figures, pg, effort, say), BareSql(pg.url, pg.postmaster))
        except BrokenRunError as error:
            sys.exit(str(error))
        where = machine(pg.version, pg.fsync)
        figures.single["used by others meanwhile, % of the cores"].append(strangers.share(CORES))
    say("done")

    judged = list(judge(figures))
    tables = [budgets(judged), *costs(figures), singles(figures)]
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(where)
    for table in [*tables[1:], tables[0]]:
        table.show(console)
    for scenario, server in figures.samples:
        for status, times in figures.wrong(scenario, server).items():
            console.print(f"unexpected: {scenario} on {server}: {status}, {times} times")
    if options.json:
        options.json.write_text(json.dumps({"machine": where} | figures.as_json(), indent=1))
    if options.write:
        write(options.write, where, tables)


if __name__ == "__main__":
    main()
