"""A process of its own that delivers until its standard input ends."""

from __future__ import annotations

import asyncio
import sys

from app.database import create_engine
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog
from tests.integration.messaging.laboratory import NumberDrawn, observer

SUBSCRIBERS = ("lab.first", "lab.second", "lab.third")


async def deliver(url: str) -> None:
    engine = create_engine(url, pool_size=10, pool_timeout=60, connect_timeout=60)
    codec = EventCodec([NumberDrawn])
    bus = EventBus(observer(name) for name in SUBSCRIBERS)
    dispatcher = Dispatcher(engine, bus, codec, EventLog(codec), Bell(), poll=0.05)
    dispatcher.start()
    await asyncio.to_thread(sys.stdin.read)
    await dispatcher.stop()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(deliver(sys.argv[1]))
