"""Does to a world what clients, operators and time do, and holds each answer against the model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from app.modules.auth.application.commands.log_in import LogIn
from app.modules.auth.application.commands.rotate_refresh_token import RotateRefreshToken
from app.modules.auth.application.token_pair import TokenPair
from app.modules.auth.domain.account import Account
from app.modules.auth.domain.errors import TokenError
from app.modules.auth.domain.policies import RefreshPolicy
from app.modules.auth.domain.ports import Revocation
from app.modules.auth.domain.session import Session
from tests.contract.auth_worlds import AuthWorld
from tests.factories import PASSWORD, AccountFactory
from tests.rotation.model import Answer, ModelAccount, ModelSession

T = TypeVar("T")

POLICY = RefreshPolicy(
    grace=timedelta(seconds=30),
    idle_lifetime=timedelta(seconds=610),
    absolute_lifetime=timedelta(seconds=910),
    max_recoveries=3,
)
ACCESS_LIFETIME = timedelta(seconds=600)
ODD, EVEN = timedelta(seconds=10), timedelta(seconds=20)
"""Each lifetime is an odd number of ten seconds: in steps of twenty its very end is never met, in
steps of ten it is. A world whose clock runs on by itself has to take the former."""


@dataclass(eq=False)
class KnownSession:
    """A session as its clients know it: every pair that any of them ever got."""

    id: UUID
    model: ModelSession
    refresh: dict[int, str] = field(default_factory=dict)
    access: list[tuple[str, int, datetime]] = field(default_factory=list)
    """Token, generation, and when it was minted."""


@dataclass(eq=False)
class Client:
    """Somebody who holds a refresh token: a device, another tab of it, or a thief."""

    session: KnownSession
    token: str


class RotationDriver(RuleBasedStateMachine):
    """Subclasses say in which world it runs, and how."""

    step = ODD

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.account = AccountFactory.build()
        self.email = self.account.email.display
        self.model_account = ModelAccount()
        self.sessions: list[KnownSession] = []
        self.clients: list[Client] = []
        self.run_in_world(self.world.put([self.account], []))

    @abstractmethod
    def make_world(self) -> AuthWorld: ...

    @abstractmethod
    def run_in_world(self, doing: Coroutine[Any, Any, T]) -> T: ...

    def log_in(self) -> None:
        pair = self.run_in_world(self.world.log_in(LogIn(self.email, PASSWORD)))
        model = ModelSession(
            account=self.model_account,
            opened_at=self.now,
            grace=POLICY.grace,
            idle=POLICY.idle_lifetime,
            absolute=POLICY.absolute_lifetime,
            max_recoveries=POLICY.max_recoveries,
        )
        session_id = self.world.refresh_tokens.parse(pair.refresh_token).session_id
        known = KnownSession(session_id, model)
        self.remember(known, pair)
        self.sessions.append(known)
        self.clients.append(Client(known, pair.refresh_token))

    def present(self, known: KnownSession, generation: int) -> TokenPair | None:
        """Show the generation's token to the product and to the model."""
        token = known.refresh.get(generation) or self.world.refresh_tokens.mint(
            known.id, generation, self.world.refresh_tokens.current_kid
        )
        before = known.model.latest
        expected = known.model.present(generation, self.now)
        answer = self.run_in_world(self._rotate(token))
        event(f"answer: {expected}")
        if isinstance(answer, TokenPair):
            assert expected in {Answer.NEXT, Answer.SAME}
            got = self.world.refresh_tokens.parse(answer.refresh_token)
            assert got.generation == before + (expected is Answer.NEXT)
            if expected is Answer.NEXT:
                assert got.kid == self.world.refresh_tokens.current_kid
            self.remember(known, answer)
            return answer
        assert answer.code == expected
        assert answer.terminal is (expected is not Answer.SUPERSEDED)
        assert (answer.retry_after is not None) is (expected is Answer.SUPERSEDED)
        if expected in {Answer.REUSED, Answer.FORGED}:
            self._nothing_lives(known)
        return None

    async def _rotate(self, token: str) -> TokenPair | TokenError:
        try:
            return await self.world.rotate(RotateRefreshToken(token))
        except TokenError as refusal:
            return refusal

    def remember(self, known: KnownSession, pair: TokenPair) -> None:
        """One generation has one token, whoever gets it and whenever."""
        generation = self.generation_of(pair.refresh_token)
        assert known.refresh.setdefault(generation, pair.refresh_token) == pair.refresh_token
        known.access.append((pair.access_token, generation, self.now))

    def use(self, known: KnownSession, token: str, generation: int, minted_at: datetime) -> None:
        model = known.model
        if self.now >= model.opened_at + model.absolute:
            return
        lives = (
            self.now - minted_at < ACCESS_LIFETIME
            and not model.ended
            and model.epoch == self.model_account.epoch
            and self.model_account.active
        )
        try:
            caller = self.run_in_world(self.world.guard.authenticate(token))
        except TokenError:
            assert not lives
            return
        assert lives
        assert caller.session_id == known.id
        model.receipts.add(generation)

    def _nothing_lives(self, known: KnownSession) -> None:
        for generation in known.refresh:
            assert self.present(known, generation) is None
        for access in known.access:
            self.use(known, *access)

    def change_account(
        self, change: Callable[[Account], None], revocation: Revocation | None = None
    ) -> None:
        async def changing() -> None:
            async with self.world.uow() as uow:
                account = await uow.accounts.by_id(self.account.id)
                assert account
                change(account)
                if revocation:
                    uow.revocations.add(revocation)
                await uow.commit()

        self.run_in_world(changing())

    def let_pass(self, by: timedelta) -> None:
        self.run_in_world(self.world.pass_time(by))
        self.now += by

    def stored(self) -> list[Session]:
        stored = self.run_in_world(self.world.sessions())
        return [session for session in stored if session.account_id == self.account.id]

    def stored_and_expected(self) -> list[tuple[Session, ModelSession]]:
        models = {known.id: known.model for known in self.sessions}
        return [(session, models[session.id]) for session in self.stored()]

    def generation_of(self, token: str) -> int:
        return self.world.refresh_tokens.parse(token).generation

    def pick(self, data: st.DataObject, choices: list[T]) -> T:
        return choices[data.draw(st.integers(0, len(choices) - 1), label="which")]
