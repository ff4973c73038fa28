"""What the containers inject is what the code asks for; mypy cannot see inside a container."""

from __future__ import annotations

import re
import socket
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_type_hints

import pytest
from dependency_injector.providers import BaseSingleton, Callable, Factory, Singleton

from app.container import compose
from app.modules.auth.application.commands.log_out import LogOutHandler
from app.modules.auth.application.ports import AuthUnitOfWork
from app.modules.auth.contracts.events import AccountRegistered
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.infrastructure.repositories import SqlAlchemyAccounts
from app.modules.users.application.commands.update_my_profile import UpdateMyProfileHandler
from app.modules.users.application.ports import UsersWork
from app.modules.users.application.reactions.create_profile import CreateProfile
from app.modules.users.infrastructure.unit_of_work import SqlAlchemyUsersWork
from app.settings import Settings
from app.shared.application.event_bus import Effect, Reaction, Subscriber
from app.shared.application.unit_of_work import UnitOfWork
from app.shared.domain.event import Event
from app.shared.process import Process
from tests.architecture.fitting import fits, hints, misfits
from tests.architecture.product import (
    bounded_contexts,
    classes,
    containers,
    is_frozen,
    is_slotted,
    use_cases,
)

CONTEXTS = bounded_contexts()
ASSEMBLED = [BaseSingleton, Factory, Callable]


def providers(process: Process) -> list[Any]:
    found = set(process.kernel.traverse(types=ASSEMBLED))
    return list(found.union(*(module.traverse(types=ASSEMBLED) for module in process.modules)))


def test_the_root_container_lists_every_module(process: Process) -> None:
    assert sorted(containers(process)) == CONTEXTS


def test_every_collaborator_is_of_the_type_that_its_owner_declares(process: Process) -> None:
    wrong = [
        f"{name} of {provider.provides.__qualname__}: {mistaken(provider, name, value)}"
        for provider in providers(process)
        for name, value in misfits(provider).items()
    ]

    assert not wrong, "\n".join(wrong)


def mistaken(provider: Any, name: str, value: object) -> str:
    """What a developer has to mend where `value` is injected under `name`."""
    declared, given = hints(provider.provides)[name], type(value).__qualname__
    if getattr(declared, "_is_protocol", False):
        owner = provider.provides.__qualname__
        return (
            f"{given} does not inherit from the port {declared.__qualname__} that {owner} declares"
        )
    return f"{value!r} is not what it declares, {declared}"


def test_an_adapter_that_inherits_from_no_port_is_named_with_it(process: Process) -> None:
    class WallClock:
        """Has the method of a clock, and that is not enough."""

        def now(self) -> None: ...

    provider = Singleton(CreateProfile, clock=WallClock())
    [(name, value)] = misfits(provider).items()

    assert mistaken(provider, name, value).endswith(
        "WallClock does not inherit from the port Clock that CreateProfile declares"
    )


def test_everything_can_be_built_without_a_connection_to_the_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        pytest.fail("a provider opened a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)

    assert len([provider() for provider in providers(compose(settings))]) > 40


def test_what_is_built_once_stays_the_same(process: Process) -> None:
    singletons = [found for found in providers(process) if isinstance(found, BaseSingleton)]

    assert all(provider() is provider() for provider in singletons)


def test_only_units_of_work_are_made_more_than_once(process: Process) -> None:
    made: list[Any] = [one.provides for one in providers(process) if isinstance(one, Factory)]

    assert made
    assert [kind for kind in made if UnitOfWork not in kind.__mro__] == []


def test_swapped_collaborators_are_found(process: Process) -> None:
    auth = containers(process)["auth"]

    swapped = Singleton(
        LogOutHandler,
        uow=auth.uow,
        refresh_tokens=auth.access_tokens,
        access_tokens=auth.refresh_tokens,
    )

    assert misfits(swapped).keys() == {"refresh_tokens", "access_tokens"}


def test_the_unit_of_work_of_another_module_is_found(process: Process) -> None:
    auth = containers(process)["auth"]

    foreign = Singleton(UpdateMyProfileHandler, uow=auth.uow, clock=process.kernel.clock)

    assert misfits(foreign).keys() == {"uow"}


def test_a_unit_of_work_in_place_of_what_opens_one_is_found(process: Process) -> None:
    users = containers(process)["users"]

    opened = Singleton(UpdateMyProfileHandler, uow=users.unit_of_work, clock=process.kernel.clock)

    assert misfits(opened).keys() == {"uow"}


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (10, timedelta),
        (None, RefreshPolicy),
        ("10", float),
        ("verbose", get_type_hints(Reaction)["strict"]),
        (RefreshPolicy, type[Event]),
        (RefreshPolicy, get_type_hints(LogOutHandler)["uow"]),
    ],
)
def test_a_value_of_another_type_does_not_fit(value: object, hint: object) -> None:
    assert not fits(value, hint)


def test_a_class_fits_where_something_is_asked_for_that_makes_one() -> None:
    class Work(AuthUnitOfWork):
        """Made by a call without arguments."""

    assert fits(Work, get_type_hints(LogOutHandler)["uow"])


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_use_case_is_provided_by_the_container_of_its_module(
    context: str, process: Process
) -> None:
    container = containers(process)[context]
    provided = {
        provider.provides
        for provider in container.providers.values()
        if isinstance(provider, BaseSingleton)
    }

    assert [case.__qualname__ for case in use_cases(context) if case not in provided] == []


def test_every_reaction_takes_the_event_that_it_is_subscribed_to(process: Process) -> None:
    assert [found for found in map(mismatch, process.bus.subscribers.values()) if found] == []


def test_a_reaction_that_is_subscribed_to_another_event_is_found(process: Process) -> None:
    class SomethingElse(Event):
        name = "users.something_else"

    reaction = Reaction(
        name="users.create_profile",
        event=SomethingElse,
        handler=CreateProfile(process.kernel.clock()),
        work=SqlAlchemyUsersWork,
    )

    assert mismatch(reaction) == "users.create_profile takes AccountRegistered, not SomethingElse"


def test_a_reaction_that_gets_the_work_of_another_module_is_found(process: Process) -> None:
    reaction = process.bus["users.create_profile"]
    assert isinstance(reaction, Reaction)

    foreign = replace(reaction, work=SqlAlchemyAccounts)

    assert mismatch(foreign) == "users.create_profile works with UsersWork, not SqlAlchemyAccounts"


def test_an_effect_that_takes_no_idempotency_key_is_found() -> None:
    class Mail:
        async def __call__(self, event: AccountRegistered, work: UsersWork) -> None: ...

    mail: Any = Mail()
    effect = Effect(name="users.send_mail", event=AccountRegistered, handler=mail)

    assert mismatch(effect) == "users.send_mail takes no idempotency_key: str"


def mismatch(subscriber: Subscriber) -> str | None:
    """What a subscription and its handler disagree about."""
    if not isinstance(subscriber, Reaction | Effect):
        return None
    hints = get_type_hints(type(subscriber.handler).__call__)
    event = hints["event"]
    if not fits(subscriber.event, type[event]):
        return f"{subscriber.name} takes {event.__name__}, not {subscriber.event.__name__}"
    if isinstance(subscriber, Effect):
        takes_key = hints.get("idempotency_key") is str
        return None if takes_key else f"{subscriber.name} takes no idempotency_key: str"
    work, opened = hints["work"], subscriber.work
    if not isinstance(opened, type) or not fits(opened, type[work]):
        return f"{subscriber.name} works with {work.__name__}, not {opened.__qualname__}"
    return None


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_event_of_a_module_is_listed_in_its_container(context: str, process: Process) -> None:
    container = containers(process)[context]
    listed = set(container.events()) if "events" in container.providers else set()
    declared = {found for found in classes(f"app.modules.{context}") if issubclass(found, Event)}

    assert listed == declared


def events() -> list[type[Event]]:
    return [found for found in classes() if issubclass(found, Event) and found is not Event]


@pytest.mark.parametrize("event", events(), ids=lambda event: event.__name__)
def test_an_event_has_a_name_of_its_module_and_is_immutable(event: type[Event]) -> None:
    context = event.__module__.split(".")[2]

    assert re.fullmatch(rf"{context}\.[a-z]+(_[a-z]+)*", event.name)
    assert is_frozen(event)
    assert is_slotted(event)


def test_no_two_events_share_a_name() -> None:
    counted = Counter(event.name for event in events())

    assert [name for name, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_subscriber_has_a_name_of_its_module(context: str, process: Process) -> None:
    container = containers(process)[context]
    subscribers = container.subscribers() if "subscribers" in container.providers else []

    for subscriber in subscribers:
        assert re.fullmatch(rf"{context}\.[a-z]+(_[a-z]+)*", subscriber.name)


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_job_has_a_name_of_its_module(context: str, process: Process) -> None:
    container = containers(process)[context]
    jobs = container.jobs() if "jobs" in container.providers else []

    for job in jobs:
        assert re.fullmatch(rf"{context}\.[a-z]+(_[a-z]+)*", job.name)
        assert job.name in process.scheduler.jobs
