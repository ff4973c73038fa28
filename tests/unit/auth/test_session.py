"""The rotation table, row by row, on the aggregate alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.errors import (
    AccountDisabledError,
    SessionExpiredError,
    SessionRevokedError,
    TokenError,
    TokenInvalidError,
    TokenReusedError,
    TokenSupersededError,
)
from app.modules.auth.domain.events import SessionCompromised
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.session import Session
from app.modules.auth.domain.session_values import Device, RevocationReason
from tests.factories import START, AccountFactory, SessionFactory

POLICY = RefreshPolicy()
GRACE = POLICY.grace
TICK = timedelta(microseconds=1)
LITERAL = RefreshPolicy(grace=timedelta(0))
LATER = START + timedelta(hours=1)


def present(
    session: Session,
    generation: int,
    *,
    at: datetime = LATER,
    begun_at: datetime | None = None,
    account: Account | None = None,
    policy: RefreshPolicy = POLICY,
    kid: str = "kid1",
) -> TokenError | None:
    return session.present(
        generation,
        account=account or AccountFactory.build(id=session.account_id),
        kid=kid,
        policy=policy,
        begun_at=begun_at or at,
        now=at,
    )


def rotated(**facts: Any) -> Session:
    """A session at generation 5 that was rotated an hour after its start, in the usual way."""
    usual: dict[str, Any] = {"generation": 5, "parent": 4, "rotated_at": LATER}
    return SessionFactory.build(**usual | facts)


def facts(session: Session) -> dict[str, Any]:
    return {name: value for name, value in vars(session).items() if not name.startswith("_")}


def test_a_login_starts_at_generation_one_with_both_lifetimes() -> None:
    device = Device(label="phone", user_agent="agent", ip="192.0.2.1")

    session = Session.start(
        account_id=(account := AccountFactory.build()).id,
        epoch=3,
        kid="kid1",
        device=device,
        policy=POLICY,
        now=START,
    )

    assert (session.account_id, session.epoch, session.kid) == (account.id, 3, "kid1")
    assert (session.generation, session.parent, session.confirmed_generation) == (1, 0, 0)
    assert session.idle_expires_at == START + POLICY.idle_lifetime
    assert session.absolute_expires_at == START + POLICY.absolute_lifetime
    assert (session.label, session.user_agent, session.ip) == ("phone", "agent", "192.0.2.1")


# Row 0: over


@pytest.mark.parametrize("generation", [1, 3, 4, 5, 6])
def test_row_0_a_revoked_session_answers_every_generation_alike(generation: int) -> None:
    session = rotated(revoked_at=START, revocation_reason=RevocationReason.LOGOUT)
    before = facts(session)

    refusal = present(session, generation)

    assert isinstance(refusal, SessionRevokedError)
    assert refusal.terminal
    assert facts(session) == before
    assert session.collect_events() == []


@pytest.mark.parametrize("generation", [4, 5])
def test_row_0_another_epoch_of_the_account_ends_the_session(generation: int) -> None:
    session = rotated(epoch=1)
    account = AccountFactory.build(id=session.account_id, auth_epoch=2)

    refusal = present(session, generation, account=account)

    assert isinstance(refusal, SessionRevokedError)
    assert session.generation == 5


@pytest.mark.parametrize("generation", [4, 5])
def test_row_0_a_disabled_account_is_told_so(generation: int) -> None:
    session = rotated()
    account = AccountFactory.build(id=session.account_id, status=AccountStatus.DISABLED)

    refusal = present(session, generation, account=account)

    assert isinstance(refusal, AccountDisabledError)
    assert session.generation == 5


def test_row_0_an_account_that_is_gone_counts_as_disabled() -> None:
    session = rotated()

    refusal = session.present(5, account=None, kid="kid1", policy=POLICY, begun_at=LATER, now=LATER)

    assert isinstance(refusal, AccountDisabledError)


@pytest.mark.parametrize("lifetime", ["idle_expires_at", "absolute_expires_at"])
@pytest.mark.parametrize("generation", [4, 5, 6])
def test_row_0_a_lifetime_ends_at_its_very_moment(lifetime: str, generation: int) -> None:
    session = rotated(**{lifetime: LATER})

    refusal = present(session, generation, at=LATER)

    assert isinstance(refusal, SessionExpiredError)
    assert session.revoked_at is None


@pytest.mark.parametrize("lifetime", ["idle_expires_at", "absolute_expires_at"])
def test_row_0_a_lifetime_lasts_until_just_before_its_moment(lifetime: str) -> None:
    session = rotated(**{lifetime: LATER + TICK})

    assert present(session, 5, at=LATER) is None


def test_row_0_is_checked_before_a_replay_within_the_grace() -> None:
    session = rotated(revoked_at=LATER)

    assert isinstance(present(session, 4, at=LATER), SessionRevokedError)


# Row 1: the ordinary case


def test_row_1_the_present_generation_advances_by_one() -> None:
    session = rotated(recoveries=3)

    refusal = present(session, 5, at=LATER + timedelta(minutes=9))

    assert refusal is None
    assert (session.generation, session.parent, session.recoveries) == (6, 5, 0)
    assert session.rotated_at == LATER + timedelta(minutes=9)
    assert session.parent_rotated_at == LATER
    assert session.idle_expires_at == session.rotated_at + POLICY.idle_lifetime


def test_row_1_no_refresh_outlives_the_absolute_end() -> None:
    session = rotated(absolute_expires_at=LATER + timedelta(days=1))

    present(session, 5, at=LATER)

    assert session.idle_expires_at == LATER + timedelta(days=1)


def test_row_1_mints_under_the_secret_of_the_day() -> None:
    session = rotated(kid="old")

    present(session, 5, kid="new")

    assert session.kid == "new"


# Row 2: a race or a retry


@pytest.mark.parametrize("elapsed", [timedelta(0), GRACE / 2, GRACE - TICK, timedelta(seconds=-5)])
def test_row_2_the_parent_gets_the_same_successor_within_the_grace(elapsed: timedelta) -> None:
    session = rotated(kid="old")
    before = facts(session)

    refusal = present(session, 4, at=LATER + elapsed, kid="new")

    assert refusal is None
    assert facts(session) == before


def test_row_2_holds_for_a_confirmed_generation_and_any_number_of_times() -> None:
    session = rotated(confirmed_generation=5)

    answers = [present(session, 4, at=LATER + GRACE - TICK) for _ in range(100)]

    assert answers == [None] * 100
    assert session.generation == 5


def test_row_2_the_grace_is_over_at_its_very_end() -> None:
    session = rotated(confirmed_generation=5)

    assert isinstance(present(session, 4, at=LATER + GRACE), TokenReusedError)


def test_row_2_a_clock_that_ran_back_does_not_lengthen_the_wait_of_a_stale_tab() -> None:
    session = rotated(parent=2, recoveries=POLICY.max_recoveries)

    refusal = present(session, 4, at=LATER - timedelta(hours=1))

    assert isinstance(refusal, TokenSupersededError)
    assert refusal.retry_after == GRACE.total_seconds()


# Row 3: the response was lost


def test_row_3_an_unconfirmed_successor_is_replaced_after_the_grace() -> None:
    session = rotated(confirmed_generation=4)

    refusal = present(session, 4, at=LATER + GRACE)

    assert refusal is None
    assert (session.generation, session.parent, session.recoveries) == (6, 4, 1)
    assert session.rotated_at == LATER + GRACE
    assert session.parent_rotated_at == LATER


@pytest.mark.parametrize("generation", [2, 3, 4])
def test_row_3_every_generation_from_the_parent_on_recovers(generation: int) -> None:
    session = rotated(parent=2, recoveries=2)

    refusal = present(session, generation, at=LATER + GRACE)

    assert refusal is None
    assert (session.generation, session.parent, session.recoveries) == (6, generation, 3)


@pytest.mark.parametrize("generation", [3, 4])
def test_row_3_comes_before_the_stale_tab_of_row_4(generation: int) -> None:
    session = rotated(parent=2, recoveries=2)

    assert present(session, generation, at=LATER) is None
    assert session.generation == 6


def test_row_3_ends_when_the_generation_is_confirmed() -> None:
    session = rotated(confirmed_generation=5)

    assert isinstance(present(session, 4, at=LATER + GRACE), TokenReusedError)


def test_row_3_believes_ten_lost_responses_in_a_row_and_not_one_more() -> None:
    session = rotated()
    moment = LATER

    answers = []
    for _ in range(POLICY.max_recoveries + 1):
        moment += GRACE
        answers.append(present(session, 4, at=moment))

    assert answers[:-1] == [None] * POLICY.max_recoveries
    assert isinstance(answers[-1], TokenReusedError)


def test_row_3_an_ordinary_refresh_makes_the_recoveries_good() -> None:
    session = rotated(recoveries=POLICY.max_recoveries)
    present(session, 5, at=LATER)

    refusal = present(session, 5, at=LATER + GRACE)

    assert refusal is None
    assert session.recoveries == 1


def test_row_3_evidence_of_an_older_generation_confirms_nothing() -> None:
    session = rotated(confirmed_generation=5)
    session.confirm(3)

    assert session.confirmed_generation == 5


# Row 4: a stale tab


def test_row_4_the_generation_before_the_parent_is_superseded_within_the_parents_grace() -> None:
    session = rotated(parent_rotated_at=LATER - timedelta(seconds=10))
    before = facts(session)

    refusal = present(session, 3, at=LATER)

    assert isinstance(refusal, TokenSupersededError)
    assert refusal.terminal is False
    assert refusal.retry_after == 20
    assert facts(session) == before


def test_row_4_the_parents_grace_is_over_at_its_very_end() -> None:
    session = rotated(parent_rotated_at=LATER - GRACE)

    assert isinstance(present(session, 3, at=LATER), TokenReusedError)


def test_row_4_the_parents_grace_lasts_until_just_before_its_end() -> None:
    session = rotated(parent_rotated_at=LATER - GRACE + TICK)

    assert isinstance(present(session, 3, at=LATER), TokenSupersededError)


@pytest.mark.parametrize(
    "spent", [{"confirmed_generation": 5}, {"recoveries": POLICY.max_recoveries}]
)
def test_row_4_the_generation_that_a_recovery_replaced_is_superseded_within_the_grace(
    spent: dict[str, int],
) -> None:
    session = rotated(parent=2, **spent)
    before = facts(session)

    refusal = present(session, 4, at=LATER + timedelta(seconds=12))

    assert isinstance(refusal, TokenSupersededError)
    assert refusal.retry_after == 18
    assert facts(session) == before


def test_row_4_the_replaced_generation_is_reuse_after_the_grace() -> None:
    session = rotated(parent=2, confirmed_generation=5)

    assert isinstance(present(session, 4, at=LATER + GRACE), TokenReusedError)


def test_row_4_a_generation_between_parent_and_predecessor_is_no_stale_tab() -> None:
    session = rotated(parent=2, confirmed_generation=5)

    assert isinstance(present(session, 3, at=LATER), TokenReusedError)


# Row 5: reuse


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_row_5_an_old_generation_ends_the_session_and_is_recorded(generation: int) -> None:
    session = rotated(parent_rotated_at=LATER)

    refusal = present(session, generation, at=LATER)

    assert isinstance(refusal, TokenReusedError)
    assert refusal.terminal
    assert (session.revoked_at, session.revocation_reason) == (LATER, RevocationReason.REUSE)
    assert session.collect_events() == [
        SessionCompromised(
            account_id=session.account_id,
            session_id=session.id,
            presented_generation=generation,
            current_generation=5,
        )
    ]


def test_row_5_after_it_no_generation_is_answered() -> None:
    session = rotated()
    present(session, 1)

    answers = [present(session, generation) for generation in range(7)]

    assert {type(answer) for answer in answers} == {SessionRevokedError}
    assert len(session.collect_events()) == 1


def test_two_holders_of_one_branch_diverge_until_the_silent_thief_meets_row_5() -> None:
    session = rotated(rotated_at=LATER)
    minute = timedelta(minutes=1)
    owner = thief = 4

    assert present(session, owner, at=LATER + minute) is None
    owner = session.generation
    assert present(session, thief, at=LATER + 2 * minute) is None
    thief = session.generation
    session.confirm(thief)
    refusal = present(session, owner, at=LATER + 3 * minute)

    assert (owner, thief) == (6, 7)
    assert isinstance(refusal, TokenReusedError)
    assert session.revocation_reason is RevocationReason.REUSE


# Row 6: forged, or a restored database


@pytest.mark.parametrize("generation", [6, 7, 2**31 - 1])
def test_row_6_a_generation_that_was_never_minted_ends_the_session(generation: int) -> None:
    session = rotated()

    refusal = present(session, generation, at=LATER)

    assert isinstance(refusal, TokenInvalidError)
    assert refusal.terminal
    assert (session.revoked_at, session.revocation_reason) == (LATER, RevocationReason.FORGERY)
    (alert,) = session.collect_events()
    assert isinstance(alert, SessionCompromised)
    assert (alert.presented_generation, alert.current_generation) == (generation, 5)


# A grace of 0 is literal one-time use


def test_grace_0_the_present_generation_advances() -> None:
    session = rotated()

    assert present(session, 5, policy=LITERAL) is None
    assert session.generation == 6


def test_grace_0_a_request_begun_before_the_rotation_is_superseded() -> None:
    session = rotated()

    refusal = present(session, 4, begun_at=LATER - TICK, policy=LITERAL)

    assert isinstance(refusal, TokenSupersededError)
    assert refusal.retry_after
    assert session.revoked_at is None


@pytest.mark.parametrize("generation", [3, 4])
def test_grace_0_a_request_begun_after_the_rotation_is_reuse_though_unconfirmed(
    generation: int,
) -> None:
    session = rotated()

    refusal = present(session, generation, begun_at=LATER, policy=LITERAL)

    assert isinstance(refusal, TokenReusedError)
    assert session.revocation_reason is RevocationReason.REUSE


# Ending a session


def test_the_first_reason_for_an_end_stays() -> None:
    session = rotated()
    session.revoke(RevocationReason.LOGOUT, START)

    session.revoke(RevocationReason.REUSE, LATER)

    assert (session.revoked_at, session.revocation_reason) == (START, RevocationReason.LOGOUT)


def test_a_grant_names_the_sessions_own_epoch_and_start() -> None:
    session = rotated(epoch=7)

    grant = session.grant(frozenset({"user"}))

    assert (grant.session_id, grant.account_id) == (session.id, session.account_id)
    assert (grant.generation, grant.epoch, grant.kid) == (5, 7, "kid1")
    assert grant.authenticated_at == START
    assert grant.absolute_expires_at == session.absolute_expires_at
    assert grant.roles == {"user"}
