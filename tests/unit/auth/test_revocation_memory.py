"""What a process keeps in mind of revocations, and what it does when there are too many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.modules.auth.domain.ports import Revocation
from app.modules.auth.infrastructure.revocation_memory import RevocationMemory
from app.shared.domain.ids import new_id
from tests.revocations import Elapsed

ACCOUNT, SESSION = new_id(), new_id()
LEFT = timedelta(minutes=12)


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def memory(elapsed: Elapsed) -> RevocationMemory:
    return RevocationMemory(room=3, now=elapsed)


def of_epoch(epoch: int) -> Revocation:
    return Revocation(account_id=ACCOUNT, epoch=epoch)


def of_session() -> Revocation:
    return Revocation(account_id=ACCOUNT, session_id=SESSION)


def test_a_revoked_session_is_dead_and_no_other(memory: RevocationMemory) -> None:
    memory.note(of_session(), LEFT)

    assert memory.covers(ACCOUNT, SESSION, 1)
    assert not memory.covers(ACCOUNT, new_id(), 1)


def test_a_raised_epoch_ends_the_tokens_below_it_and_no_other_account(
    memory: RevocationMemory,
) -> None:
    memory.note(of_epoch(2), LEFT)

    assert memory.covers(ACCOUNT, SESSION, 1)
    assert not memory.covers(ACCOUNT, SESSION, 2)
    assert not memory.covers(new_id(), SESSION, 1)


@pytest.mark.parametrize("order", [(2, 3), (3, 2)])
def test_the_highest_epoch_counts_in_whichever_order_they_come(
    memory: RevocationMemory, order: tuple[int, int]
) -> None:
    for epoch in order:
        memory.note(of_epoch(epoch), LEFT)

    assert memory.covers(ACCOUNT, SESSION, 2)
    assert not memory.covers(ACCOUNT, SESSION, 3)


@pytest.mark.parametrize("revocation", [of_session(), of_epoch(2)], ids=["session", "epoch"])
@pytest.mark.parametrize("order", [(12, 1), (1, 12)])
def test_what_is_noted_twice_is_kept_for_the_longer_time(
    memory: RevocationMemory, elapsed: Elapsed, revocation: Revocation, order: tuple[int, int]
) -> None:
    for minutes in order:
        memory.note(revocation, timedelta(minutes=minutes))

    elapsed.seconds += 11 * 60
    memory.tidy()

    assert memory.covers(ACCOUNT, SESSION, 1)


@pytest.mark.parametrize("revocation", [of_session(), of_epoch(2)], ids=["session", "epoch"])
def test_what_no_token_can_be_shown_of_any_more_is_forgotten(
    memory: RevocationMemory, elapsed: Elapsed, revocation: Revocation
) -> None:
    memory.note(revocation, LEFT)

    elapsed.seconds += LEFT.total_seconds() + 1
    memory.tidy()

    assert not memory.covers(ACCOUNT, SESSION, 1)
    assert len(memory) == 0


def test_a_full_memory_drops_none_and_says_so_when_it_forgets_all(
    memory: RevocationMemory,
) -> None:
    memory.note(of_session(), LEFT)
    memory.note(of_epoch(2), LEFT)
    memory.note(Revocation(account_id=ACCOUNT, session_id=new_id()), LEFT)
    full = len(memory), memory.overflows, memory.covers(ACCOUNT, SESSION, 1)

    memory.note(Revocation(account_id=ACCOUNT, session_id=new_id()), LEFT)

    assert full == (3, 0, True)
    assert (len(memory), memory.overflows) == (0, 1)


def test_what_is_known_already_takes_no_more_room(memory: RevocationMemory) -> None:
    for _ in range(10):
        memory.note(of_session(), LEFT)
        memory.note(of_epoch(2), LEFT)

    assert (len(memory), memory.overflows) == (2, 0)


def test_what_has_expired_makes_room(memory: RevocationMemory, elapsed: Elapsed) -> None:
    for _ in range(3):
        memory.note(Revocation(account_id=ACCOUNT, session_id=new_id()), LEFT)
    elapsed.seconds += LEFT.total_seconds() + 1

    memory.note(of_session(), LEFT)

    assert (len(memory), memory.overflows) == (1, 0)
    assert memory.covers(ACCOUNT, SESSION, 1)
