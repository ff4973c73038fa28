"""The root container: the kernel and one line per module."""

from __future__ import annotations

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Container, Dependency

from app.modules.auth.container import AuthContainer
from app.modules.users.container import UsersContainer
from app.settings import Settings
from app.shared.container import KernelContainer
from app.shared.process import Process


class RootContainer(DeclarativeContainer):
    """Contracts between modules are keyword arguments here, in one direction only."""

    settings = Dependency(instance_of=Settings)

    kernel = Container(
        KernelContainer,
        deployment=settings.provided.deployment,
        database=settings.provided.database,
        events=settings.provided.events,
        broker_settings=settings.provided.broker,
    )
    auth = Container(AuthContainer, kernel=kernel, settings=settings.provided.auth)
    users = Container(UsersContainer, kernel=kernel)


def compose(settings: Settings) -> Process:
    """A fresh process of all modules; nothing of it is shared with another."""
    root = RootContainer(settings=settings)
    modules = [
        provider()
        for name, provider in root.providers.items()
        if isinstance(provider, Container) and name != "kernel"
    ]
    return Process(root.kernel(), modules)
