"""How fast events are delivered, and how long they are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from app.shared.infrastructure.settings_group import Seconds, SettingsGroup


class EventsSettings(SettingsGroup):
    """Delivery of events."""

    model_config = SettingsConfigDict(env_prefix="EVENTS_")

    dispatch: Annotated[
        bool, Field(description="Whether `app serve` delivers events beside its requests.")
    ] = True
    concurrency: Annotated[int, Field(description="Deliveries at once in a process.", ge=1)] = 4
    poll: Annotated[
        Seconds,
        # With the lease of four seconds: what a dead process had taken runs again within ten.
        Field(
            description="The longest pause between two looks at what is owed.",
            gt=timedelta(0),
            le=timedelta(seconds=5),
        ),
    ] = timedelta(seconds=5)
    retention: Annotated[
        Seconds,
        Field(description="How long an event is kept once it is owed to nobody.", gt=timedelta(0)),
    ] = timedelta(days=30)
