"""A process of its own that delivers one at a time, and waits with what is slow for a lock."""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import text

from app.database import create_engine
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog
from tests.integration.messaging.laboratory import Notebook, NumberDrawn, observer

HELD_UP = 0x736C6F77
"""The advisory lock; whoever has it keeps the series `slow` from its end."""


async def wait(event: NumberDrawn, notebook: Notebook) -> None:
    if event.series == "slow":
        await notebook.session.execute(text(f"SELECT pg_advisory_xact_lock_shared({HELD_UP})"))


SUBSCRIBER = observer("lab.first", before=wait)


async def deliver(url: str) -> None:
    engine = create_engine(url, pool_size=3, pool_timeout=60, connect_timeout=60)
    codec = EventCodec([NumberDrawn])
    bus = EventBus([SUBSCRIBER])
    dispatcher = Dispatcher(engine, bus, codec, EventLog(codec), Bell(), concurrency=1, poll=0.05)
    dispatcher.start()
    await asyncio.to_thread(sys.stdin.read)
    await dispatcher.stop()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1]))
