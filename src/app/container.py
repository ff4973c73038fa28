"""The root container: the kernel and one line per module."""

from __future__ import annotations

from dependency_injector.containers import Container as AnyContainer
from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import Container, Dependency

from app.modules.auth.container import AuthContainer
from app.modules.users.container import UsersContainer
from app.settings import Settings
from app.shared.container import KernelContainer
from app.shared.infrastructure.messaging.log import register_subscriptions
from app.shared.process import Process, event_bus


class RootContainer(DeclarativeContainer):
    """Contracts between modules are keyword arguments here, in one direction only."""

    settings = Dependency(instance_of=Settings)

    kernel = Container(
        KernelContainer,
        deployment=settings.provided.deployment,
        database=settings.provided.database,
        events=settings.provided.events,
        broker_settings=settings.provided.broker,
        mail_settings=settings.provided.mail,
    )
    auth = Container(AuthContainer, kernel=kernel, settings=settings.provided.auth)
    users = Container(UsersContainer, kernel=kernel, accounts=auth.directory, cursors=auth.cursors)


def compose(settings: Settings) -> Process:
    """A fresh process of all modules; nothing of it is shared with another."""
    root = RootContainer(settings=settings)
    return Process(root.kernel(), _modules(root))


async def subscribe(settings: Settings) -> None:
    """Let publishing owe events to the subscribers of this code, before any process of it runs."""
    root = RootContainer(settings=settings)
    kernel = root.kernel()
    try:
        await register_subscriptions(kernel.statements(), event_bus(kernel, _modules(root)))
    finally:
        await kernel.statements().close()


def _modules(root: RootContainer) -> list[AnyContainer]:
    return [
        provider()
        for name, provider in root.providers.items()
        if isinstance(provider, Container) and name != "kernel"
    ]
