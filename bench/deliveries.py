"""Deliveries: what one costs however many are owed, and what a process costs that has none."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from bench.accounting import cpu_seconds
from bench.deliverer import SUBSCRIBER, Noted, quantile
from bench.figures import Figures, Sample
from bench.processes import ROOT, BrokenRunError, Postgres, told

ONE_BY_ONE = "deliveries one by one (p50 and p99 of one claim)"
BATCHES = "deliveries in batches of 100 (p50 and p99 of one claim)"
SIZES = (1_000, 100_000, 1_000_000)
HOT = "100 000 of one key"
HOT_ROWS = 100_000
DELIVERED = 1_000
CLAIMS = 30
IDLE_SECONDS = 20

EMPTY = "TRUNCATE messaging.event, messaging.delivery RESTART IDENTITY CASCADE"
FILL = """
-- Owe so many deliveries; those of the first `hot` are of one key.
WITH stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT gen_random_uuid(), $1, 1, series, jsonb_build_object('series', series), '{}', now()
    FROM generate_series(1, $3::int) AS n
    CROSS JOIN LATERAL (SELECT CASE WHEN n <= $4::int THEN 'hot' ELSE n::text END) AS of (series)
    RETURNING position, key
)
INSERT INTO messaging.delivery (position, subscriber, key, strict)
SELECT position, $2, key, false FROM stored
"""
ACTIVITY = """
SELECT xact_commit + xact_rollback AS transactions,
    (SELECT count(*) FROM pg_stat_activity AS a
     WHERE a.datname = current_database() AND pid <> pg_backend_pid()) AS connections
FROM pg_stat_database WHERE datname = current_database()
"""


def sized(owed: int) -> str:
    return f"{owed:,} owed".replace(",", " ")


class Worker:
    """A deliverer in a process of its own."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.deliverer", url],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def order(self, do: str, **order: int) -> dict[str, Any]:
        answer = told(self._process, {"do": do} | order)
        if answer is None:
            raise BrokenRunError(f"the deliverer ended while it was to {do}")
        return answer

    def stop(self) -> None:
        self._process.communicate(timeout=20)


@contextmanager
def worker(url: str) -> Iterator[Worker]:
    running = Worker(url)
    try:
        # It is there, subscribed and warm, before anything is measured.
        running.order("claim", times=CLAIMS)
        yield running
    finally:
        running.stop()


def measure_deliveries(postgres: Postgres, figures: Figures, repetitions: int) -> None:
    """The same thousand deliveries out of ever longer queues."""
    with worker(postgres.url) as deliverer:
        for _ in range(repetitions):
            answer = deliverer.order("react", times=100)
            for called, hundredths in (("p50", 50), ("p99", 99)):
                name = f"from commit to reaction, idle, {called} ms"
                figures.single[name].append(quantile(answer["ms"], hundredths))
        for owed in SIZES:
            for nth in range(repetitions):
                # The longest queue is made once: what is taken from it hardly shortens it.
                if owed < SIZES[-1] or nth == 0:
                    run_statement(postgres.url, EMPTY)
                    fill(postgres.url, owed)
                take(deliverer, postgres, figures, ONE_BY_ONE, sized(owed), batch=1)
                fill(postgres.url, DELIVERED)
                take(deliverer, postgres, figures, BATCHES, sized(owed), batch=100)
        for _ in range(repetitions):
            run_statement(postgres.url, EMPTY)
            fill(postgres.url, HOT_ROWS + DELIVERED, hot=HOT_ROWS)
            aside = deliverer.order("deliver", count=DELIVERED, batch=1)["seconds"]
            figures.single[f"{HOT}: until 1 000 behind it are delivered, s"].append(aside)
            fill(postgres.url, DELIVERED)
            take(deliverer, postgres, figures, ONE_BY_ONE, HOT, batch=1)
        run_statement(postgres.url, EMPTY)


def take(
    deliverer: Worker, postgres: Postgres, figures: Figures, scenario: str, name: str, *, batch: int
) -> None:
    """Claims first, while everything is still owed; then the deliveries."""
    claims = deliverer.order("claim", times=CLAIMS)["ms"]
    database = cpu_seconds(postgres.postmaster)
    answer = deliverer.order("deliver", count=DELIVERED, batch=batch)
    database = cpu_seconds(postgres.postmaster) - database
    figures.samples[scenario, name].append(
        Sample(
            count=DELIVERED,
            errors={},
            per_second=DELIVERED / answer["seconds"],
            p50_ms=quantile(claims, 50),
            p99_ms=quantile(claims, 99),
            server_ms=answer["cpu"] / answer["handled"] * 1000,
            postgres_ms=database / answer["handled"] * 1000,
        )
    )


def measure_idle(postgres: Postgres, figures: Figures, process: str) -> None:
    """What the one process that runs asks PostgreSQL while nobody asks it anything."""

    def activity() -> asyncpg.Record:
        return run_statement(postgres.url, ACTIVITY)[0]

    # Statistics of a connection arrive with seconds of delay.
    time.sleep(IDLE_SECONDS / 2)
    before = activity()
    time.sleep(IDLE_SECONDS)
    after = activity()
    # The first look is in the second.
    count = after["transactions"] - before["transactions"] - 1
    figures.single[f"{process}, idle: transactions per second"].append(count / IDLE_SECONDS)
    figures.single[f"{process}, idle: connections"].append(after["connections"])


def fill(url: str, owed: int, *, hot: int = 0) -> None:
    run_statement(url, FILL, Noted.name, SUBSCRIBER, owed, hot)


def run_statement(url: str, statement: str, *args: object) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement, *args, timeout=300)
        finally:
            await connection.close()

    return asyncio.run(run())
