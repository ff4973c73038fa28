"""Processes of their own that deliver until nothing is due, unless a handler kills them.

Each is forked, where all is imported already, for a line of input; a line of output says how it
ended: the exit code, or the negative number of a signal.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from app.database import create_engine
from app.shared.application.event_bus import EventBus
from app.shared.infrastructure.messaging.bell import Bell
from app.shared.infrastructure.messaging.codec import EventCodec
from app.shared.infrastructure.messaging.dispatcher import Dispatcher
from app.shared.infrastructure.messaging.log import EventLog
from tests.integration.messaging.laboratory import NumberDrawn, observer

MAX_ATTEMPTS = 3


async def kill(event: NumberDrawn, *_: object) -> None:
    if event.series == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)


SUBSCRIBERS = (
    observer("lab.killer", before=kill, max_attempts=MAX_ATTEMPTS),
    observer("lab.sibling", max_attempts=MAX_ATTEMPTS),
)


async def deliver(url: str) -> None:
    engine = create_engine(url, pool_size=5, pool_timeout=60, connect_timeout=60)
    codec = EventCodec([NumberDrawn])
    dispatcher = Dispatcher(engine, EventBus(SUBSCRIBERS), codec, EventLog(codec), Bell())
    await dispatcher.drain()
    await engine.dispose()


def main() -> None:
    for _ in sys.stdin:
        if os.fork() == 0:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            asyncio.run(deliver(sys.argv[1]))
            return
        _, status = os.wait()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
