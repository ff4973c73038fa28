"""What `users` is made of: its table of contents."""

from __future__ import annotations

from typing import ClassVar

from dependency_injector.containers import DeclarativeContainer
from dependency_injector.providers import (
    DependenciesContainer,
    Dependency,
    Dict,
    Factory,
    List,
    Object,
    Singleton,
)

from app.modules.auth.contracts.directory import AccountDirectory
from app.modules.auth.contracts.events import AccountDeleted, AccountRegistered
from app.modules.users.api import my_profile, users
from app.modules.users.application.commands.update_my_profile import UpdateMyProfileHandler
from app.modules.users.application.queries.get_my_profile import GetMyProfileHandler
from app.modules.users.application.queries.get_user import GetUserHandler
from app.modules.users.application.queries.list_users import ListUsersHandler
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.application.reactions.erase_profile import EraseProfile
from app.modules.users.contracts.events import ProfileUpdated
from app.modules.users.infrastructure.profile_data import SqlProfileData
from app.modules.users.infrastructure.unit_of_work import (
    SqlAlchemyUsersUnitOfWork,
    SqlAlchemyUsersWork,
)
from app.shared.application.event_bus import Reaction
from app.shared.application.paging import Cursors
from app.shared.infrastructure.use_case import Ports, use_case


class UsersContainer(DeclarativeContainer):
    """Profiles, made and erased in reaction to `auth`."""

    kernel = DependenciesContainer()
    accounts: Dependency[AccountDirectory] = Dependency()
    cursors: Dependency[Cursors] = Dependency()

    unit_of_work = Factory(SqlAlchemyUsersUnitOfWork, kernel.engine, kernel.publish, kernel.ring)
    ports: ClassVar[Ports] = {
        "uow": unit_of_work.provider,
        "reader": kernel.reader,
        "clock": kernel.clock,
        "accounts": accounts,
        "cursors": cursors,
    }

    update_my_profile = use_case(UpdateMyProfileHandler, ports)
    get_my_profile = use_case(GetMyProfileHandler, ports)
    get_user = use_case(GetUserHandler, ports)
    list_users = use_case(ListUsersHandler, ports)
    create_profile = use_case(CreateProfile, ports)
    erase_profile = use_case(EraseProfile, ports)

    routers = Object((my_profile.router, users.router))
    events = Object((ProfileUpdated,))
    personal_data = Dict(users=Singleton(SqlProfileData, kernel.reader))
    subscribers = List(
        Singleton(
            Reaction,
            name="users.create_profile",
            event=AccountRegistered,
            handler=create_profile,
            work=Object(SqlAlchemyUsersWork),
        ),
        Singleton(
            Reaction,
            name="users.erase_profile",
            event=AccountDeleted,
            handler=erase_profile,
            work=Object(SqlAlchemyUsersWork),
        ),
    )
