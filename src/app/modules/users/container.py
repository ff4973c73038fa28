"""What `users` is made of: its table of contents."""

from __future__ import annotations

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import DependenciesContainer, Factory, List, Object, Singleton

from app.modules.auth.contracts.events import AccountRegistered
from app.modules.users.api import my_profile
from app.modules.users.application.commands.update_my_profile import UpdateMyProfileHandler
from app.modules.users.application.queries.get_my_profile import GetMyProfileHandler
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.infrastructure.unit_of_work import (
    SqlAlchemyUsersUnitOfWork,
    SqlAlchemyUsersWork,
)
from app.shared.application.event_bus import Reaction


class UsersContainer(DeclarativeContainer):
    """Profiles, made in reaction to `auth`."""

    kernel = DependenciesContainer()

    uow = Factory(SqlAlchemyUsersUnitOfWork, kernel.engine, kernel.publish, kernel.ring)

    update_my_profile = Singleton(UpdateMyProfileHandler, uow=uow.provider, clock=kernel.clock)
    get_my_profile = Singleton(GetMyProfileHandler, reader=kernel.reader)
    create_profile = Singleton(CreateProfile, clock=kernel.clock)

    routers = Object((my_profile.router,))
    subscribers = List(
        Singleton(
            Reaction,
            name="users.create_profile",
            event=AccountRegistered,
            handler=create_profile,
            work=Object(SqlAlchemyUsersWork),
        ),
    )
