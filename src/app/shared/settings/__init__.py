"""What an operator can decide about the kernel, a group for each thing that it talks to."""

from app.shared.settings.broker import BrokerSettings
from app.shared.settings.database import DEFAULT_DATABASE_URL, DatabaseSettings
from app.shared.settings.edge import EdgeSettings
from app.shared.settings.events import EventsSettings
from app.shared.settings.mail import MailSettings

__all__ = [
    "DEFAULT_DATABASE_URL",
    "BrokerSettings",
    "DatabaseSettings",
    "EdgeSettings",
    "EventsSettings",
    "MailSettings",
]
