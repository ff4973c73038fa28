"""Clients, tabs, a thief and time against the rotation: what they may do, and what always holds.

The same machine drives any `AuthWorld`; whoever runs it says how a coroutine is run.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from app.modules.auth.application.commands.log_out import LogOut
from app.modules.auth.domain.account import Account, AccountStatus
from app.modules.auth.domain.ports import Revocation
from tests.rotation.driver import EVEN, Client, RotationDriver

PAUSES = st.sampled_from([0, 1, 2, 3, 4])
"""In steps."""


class RotationMachine(RotationDriver):
    """Each step is something that happens to real clients."""

    # What happens

    @initialize()
    def somebody_logs_in(self) -> None:
        self.log_in()

    @precondition(lambda self: self.model_account.active and len(self.sessions) < 6)
    @rule()
    def log_in_again(self) -> None:
        self.log_in()

    @rule(data=st.data(), uses_it=st.booleans())
    def refresh(self, data: st.DataObject, uses_it: bool) -> None:
        client = self.pick(data, self.clients)
        if pair := self.present(client.session, self.generation_of(client.token)):
            client.token = pair.refresh_token
            if uses_it:
                self.use(client.session, *client.session.access[-1])

    @rule(data=st.data(), times=st.integers(1, 4))
    def lose_responses(self, data: st.DataObject, times: int) -> None:
        client = self.pick(data, self.clients)

        for _ in range(times):
            self.present(client.session, self.generation_of(client.token))
            self.let_pass(data.draw(PAUSES, label="pause") * self.step)

    @rule(data=st.data(), pause=PAUSES)
    def make_a_lost_response_good_and_meet_the_stale_tab(
        self, data: st.DataObject, pause: int
    ) -> None:
        client = self.pick(data, self.clients)
        known, generation = client.session, self.generation_of(client.token)

        for _ in range(2):
            self.present(known, generation)
            self.let_pass(EVEN + EVEN)
        if self.present(known, generation):
            self.use(known, *known.access[-1])
        self.let_pass(pause * self.step)
        self.present(known, max(1, known.model.latest - 1))

    @precondition(lambda self: len(self.clients) < 5)
    @rule(data=st.data())
    def copy_the_token(self, data: st.DataObject) -> None:
        """Another tab that reads the shared store, or a thief: nobody can tell."""
        holder = self.pick(data, self.clients)

        self.clients.append(Client(holder.session, holder.token))

    @rule(data=st.data())
    def use_an_access_token(self, data: st.DataObject) -> None:
        known = self.pick(data, [known for known in self.sessions if known.access])
        token, generation, minted_at = self.pick(data, known.access)

        self.use(known, token, generation, minted_at)

    @rule(data=st.data())
    def receive_the_latest_pair_and_use_it(self, data: st.DataObject) -> None:
        known = self.pick(data, self.sessions)

        self.use(known, *known.access[-1])

    @rule(data=st.data())
    def present_any_generation(self, data: st.DataObject) -> None:
        known = self.pick(data, self.sessions)
        back = data.draw(st.sampled_from([0, 1, 1, 2, 2, 3, 5]), label="back")

        self.present(known, max(1, known.model.latest - back))

    @precondition(lambda self: len(self.sessions) > 1)
    @rule(data=st.data(), ahead=st.integers(1, 3))
    def present_a_generation_of_the_future(self, data: st.DataObject, ahead: int) -> None:
        known = self.pick(data, self.sessions)

        self.present(known, known.model.latest + ahead)

    @rule(steps=PAUSES | st.sampled_from([30, 61]))
    def time_passes(self, steps: int) -> None:
        self.let_pass(steps * self.step)

    @rule()
    def evidence_is_stored(self) -> None:
        self.run_in_world(self.world.store_evidence())

    @rule()
    def the_secret_is_rotated(self) -> None:
        self.world.rotate_secret()

    @precondition(lambda self: len(self.sessions) > 1)
    @rule(data=st.data())
    def log_out(self, data: st.DataObject) -> None:
        known = self.pick(data, self.sessions)
        generation = data.draw(st.sampled_from(sorted(known.refresh)), label="generation")

        self.run_in_world(self.world.log_out(LogOut(known.refresh[generation])))

        known.model.end()

    @precondition(lambda self: len(self.sessions) > 1)
    @rule()
    def everything_issued_is_declared_void(self) -> None:
        def raise_epoch(account: Account) -> None:
            account.auth_epoch += 1

        self.model_account.epoch += 1
        self.change_account(
            raise_epoch,
            Revocation(account_id=self.account.id, epoch=self.model_account.epoch),
        )

    @precondition(lambda self: len(self.sessions) > 2)
    @rule()
    def the_account_is_disabled(self) -> None:
        def disable(account: Account) -> None:
            account.status = AccountStatus.DISABLED

        self.model_account.active = False
        self.change_account(disable)

    # What must always hold

    @invariant()
    def there_is_one_row_per_login(self) -> None:
        stored = {session.id for session in self.stored()}

        assert stored == {known.id for known in self.sessions}

    @invariant()
    def every_session_is_as_the_model_says(self) -> None:
        for session, model in self.stored_and_expected():
            assert (session.generation, session.parent) == (model.latest, model.parent)
            assert session.recoveries == model.recoveries
            assert (session.revoked_at is not None) is model.ended

    @invariant()
    def a_living_session_has_exactly_one_leaf(self) -> None:
        """Of all generations, the latest alone is nobody's parent and advances when shown."""
        for session, model in self.stored_and_expected():
            if model.is_alive(self.now):
                parents = [minting.parent for minting in model.mintings]
                assert session.generation not in parents
                assert parents[session.generation - 1] == session.parent

    @invariant()
    def every_alert_was_published_and_every_end_was_listed_once(self) -> None:
        published = self.run_in_world(self.world.published())
        revoked = self.run_in_world(self.world.revoked())
        listed = [entry.session_id for entry in revoked if entry.session_id]

        assert len(published) == sum(known.model.alerts for known in self.sessions)
        assert set(listed) == {known.id for known in self.sessions if known.model.ended}
        assert len(listed) == len(set(listed))
