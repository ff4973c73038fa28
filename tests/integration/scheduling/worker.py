"""A process of its own that runs whatever is due once, and never comes to an end with it."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from app.shared.application.schedule import Job
from app.shared.infrastructure.scheduling.scheduler import Scheduler
from app.shared.infrastructure.scheduling.single_flight import SingleFlight
from app.shared.infrastructure.scheduling.stored_jobs import StoredJobs
from app.shared.infrastructure.statements import Statements


async def begin() -> None:
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def work(url: str, name: str) -> None:
    statements = Statements(url, pool_size=1, pool_timeout=60, connect_timeout=60)
    job = Job(name=name, every=timedelta(hours=1), work=begin)
    single_flight = SingleFlight(url, connect_timeout=60)
    await Scheduler([job], StoredJobs(statements), single_flight).run_due()


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
