"""The product's own command line, with one more line in its root container."""

from __future__ import annotations

from dependency_injector.providers import Container, List

from app.modules.auth.container import AuthContainer

# What is studied are the laboratory's effects; a mail would die in their place. Before the root
# container is read, which takes the modules as they are then.
setattr(AuthContainer, "subscribers", List())  # noqa: B010  # a provider, not a class attribute

from app.cli import main as main  # noqa: E402  # after the line above, as said there
from app.container import RootContainer  # noqa: E402  # as above
from tests.crash.laboratory import LaboratoryContainer  # noqa: E402  # as above

setattr(  # noqa: B010  # a provider that the class statement does not know
    RootContainer, "laboratory", Container(LaboratoryContainer, kernel=RootContainer.kernel)
)
