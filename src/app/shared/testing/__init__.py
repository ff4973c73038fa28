"""For tests of handlers and modules: everything a use case needs, in memory or for one module."""

from app.shared.testing.caller import FakeAuthenticator, as_account
from app.shared.testing.clock import FixedClock
from app.shared.testing.harness import ModuleHarness, module_harness
from app.shared.testing.idempotency import InMemoryRequests, PlainFingerprints
from app.shared.testing.mailer import InMemoryMailer
from app.shared.testing.paging import InMemoryCursors
from app.shared.testing.unit_of_work import (
    InMemoryRepository,
    InMemoryTable,
    InMemoryUnitOfWork,
)

__all__ = [
    "FakeAuthenticator",
    "FixedClock",
    "InMemoryCursors",
    "InMemoryMailer",
    "InMemoryRepository",
    "InMemoryRequests",
    "InMemoryTable",
    "InMemoryUnitOfWork",
    "ModuleHarness",
    "PlainFingerprints",
    "as_account",
    "module_harness",
]
