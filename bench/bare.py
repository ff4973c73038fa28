"""The bare costs that everything stands on: a hash, a statement, an import."""

import asyncio
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

import argon2
import asyncpg
import uvloop
from uuid_utils.compat import uuid7

from bench.accounting import cpu_seconds

CORES = len(os.sched_getaffinity(0))
CONNECTIONS = 16
ROWS = 256
SCHEMA = """
DROP SCHEMA IF EXISTS bench_bare CASCADE;
CREATE SCHEMA bench_bare;
CREATE TABLE bench_bare.account (
    id uuid PRIMARY KEY, email text NOT NULL, email_key text NOT NULL UNIQUE,
    password_hash text NOT NULL, status text NOT NULL DEFAULT 'active',
    auth_epoch integer NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bench_bare.session (
    id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES bench_bare.account,
    auth_epoch integer NOT NULL DEFAULT 0, generation integer NOT NULL DEFAULT 0,
    parent integer, recoveries integer NOT NULL DEFAULT 0,
    rotated_at timestamptz NOT NULL DEFAULT now(), parent_rotated_at timestamptz,
    idle_expires_at timestamptz NOT NULL DEFAULT now() + interval '14 days',
    absolute_expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days',
    revoked_at timestamptz) WITH (fillfactor = 70);
"""
INSERT = """
INSERT INTO bench_bare.account (id, email, email_key, password_hash) VALUES ($1, $2, $3, $4)
"""
OPEN = "INSERT INTO bench_bare.session (id, account_id) VALUES ($1, $2)"
ROTATE = """
UPDATE bench_bare.session AS s
SET generation = s.generation + 1, parent = s.generation, recoveries = 0,
    parent_rotated_at = s.rotated_at, rotated_at = clock_timestamp(),
    idle_expires_at = least(clock_timestamp() + interval '14 days', s.absolute_expires_at)
FROM bench_bare.account AS a
WHERE s.id = $1 AND s.generation = $2 AND s.revoked_at IS NULL
  AND s.idle_expires_at > clock_timestamp() AND s.absolute_expires_at > clock_timestamp()
  AND a.id = s.account_id AND a.status = 'active' AND a.auth_epoch = s.auth_epoch
RETURNING s.account_id, s.generation, s.auth_epoch, s.absolute_expires_at
"""
Loop = Callable[[asyncpg.Connection, float], Coroutine[None, None, int]]
HASH_FORM = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "h" * 43


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement costs: milliseconds of CPU in its client and in PostgreSQL."""

    per_second: float
    client_ms: float
    postgres_ms: float


class BareSql:
    """One prepared statement after another on sixteen asyncpg connections, each its own commit."""

    def __init__(self, url: str, postmaster: int) -> None:
        self._url = url
        self._postmaster = postmaster
        uvloop.run(self._prepare())

    def rotation(self, seconds: float) -> Statement:
        return uvloop.run(self._measure(self._rotate, seconds))

    def insert(self, seconds: float, per_second: float) -> Statement:
        """At a given rate: flat out, commits share a flush and a statement costs a third."""
        pause = CONNECTIONS / per_second
        return uvloop.run(self._measure(partial(self._insert, pause), seconds))

    async def _prepare(self) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute(SCHEMA)
        await connection.close()

    async def _measure(self, loop: Loop, seconds: float) -> Statement:
        connections = [await asyncpg.connect(self._url) for _ in range(CONNECTIONS)]
        postgres, own, begun = cpu_seconds(self._postmaster), time.process_time(), time.monotonic()
        counts = await asyncio.gather(*(loop(each, begun + seconds) for each in connections))
        elapsed = time.monotonic() - begun
        own, total = time.process_time() - own, sum(counts)
        postgres = cpu_seconds(self._postmaster) - postgres
        for each in connections:
            await each.close()
        return Statement(total / elapsed, own / total * 1000, postgres / total * 1000)

    async def _rotate(self, connection: asyncpg.Connection, until: float) -> int:
        account, session, generation = uuid7(), uuid7(), 0
        await self._account(connection, account)
        await connection.execute(OPEN, session, account)
        rotate = await connection.prepare(ROTATE)
        while time.monotonic() < until:
            await rotate.fetchrow(session, generation)
            generation += 1
        return generation

    async def _insert(self, pause: float, connection: asyncpg.Connection, until: float) -> int:
        done = 0
        while time.monotonic() < until:
            await asyncio.sleep(pause)
            await self._account(connection, uuid7())
            done += 1
        return done

    async def _account(self, connection: asyncpg.Connection, account: uuid.UUID) -> None:
        email = f"{account.hex}@bench.example.com"
        await connection.execute(INSERT, account, email, email, HASH_FORM)


def hashes_per_second(seconds: float) -> float:
    """Argon2id with the product's default parameters, a thread per core, nothing else running."""
    hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
    until = time.monotonic() + seconds
    counts = [0] * CORES

    def work(number: int) -> None:
        while time.monotonic() < until:
            hasher.hash("plover-quartz-lantern-31")
            counts[number] += 1

    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CORES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


def import_cpu_seconds(module: str) -> float:
    """User and system time of importing a module in a fresh interpreter."""
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return float(answer.stdout)
