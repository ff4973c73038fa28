"""T5: commits land out of order, and nothing is skipped."""

from __future__ import annotations

from app.shared.infrastructure.unit_of_work import open_session
from tests.integration.messaging.conftest import Messaging
from tests.integration.messaging.laboratory import NumberDrawn, observer


async def test_an_early_position_that_commits_late_is_still_delivered(
    messaging: Messaging,
) -> None:
    dispatcher = await messaging.dispatcher(observer("lab.first"))

    async with open_session(messaging.engine) as late:
        await messaging.event_log.publish(late, [NumberDrawn(series="late", number=1)])
        await messaging.publish(NumberDrawn(series="early", number=2))
        await dispatcher.drain()
        meanwhile = await messaging.seen("lab.first")
        await late.commit()
    await dispatcher.drain()

    assert meanwhile == [("early", 2)]
    assert await messaging.seen("lab.first") == [("early", 2), ("late", 1)]
    assert await messaging.owed() == []
