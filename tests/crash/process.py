"""The product's own command line, with one more line in its root container."""

from __future__ import annotations

from dependency_injector.providers import Container

from app.cli import main as main
from app.container import RootContainer
from tests.crash.laboratory import LaboratoryContainer

setattr(  # noqa: B010  # a provider that the class statement does not know
    RootContainer, "laboratory", Container(LaboratoryContainer, kernel=RootContainer.kernel)
)
