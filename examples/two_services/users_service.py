r"""`users` alone, in a worker: it makes a profile for everybody who registered elsewhere.

export DATABASE_URL=postgresql://app:app@127.0.0.1:5432/users
alembic upgrade heads
BROKER_URL=nats://127.0.0.1:4222 BROKER_CONSUMER=users \
    BROKER_CONSUMES=auth.account_registered,auth.account_deleted \
    python -m examples.two_services.users_service
"""

from __future__ import annotations

import asyncio
import signal

from app.modules.users.container import UsersContainer
from app.settings import Settings
from app.shared.container import KernelContainer
from app.shared.infrastructure.logs import configure_logs
from app.shared.process import Process


def compose(settings: Settings) -> Process:
    kernel = KernelContainer(
        deployment=settings.deployment,
        database=settings.database,
        events=settings.events,
        broker_settings=settings.broker,
        mail_settings=settings.mail,
    )
    return Process(kernel, [UsersContainer(kernel=kernel)])


async def work(process: Process) -> None:
    """Deliver until it is told to stop."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with process.running():
        await stopped.wait()


if __name__ == "__main__":
    settings = Settings.load()
    configure_logs(level=settings.least_logged, style=settings.log_style)
    asyncio.run(work(compose(settings)))
