"""The mechanisms that deliveries rest on, each with an edit that removes it and who must notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MESSAGING = "src/app/shared/infrastructure/messaging"


class StaleMutationError(Exception):
    """The text that a mutation replaces is not there exactly once."""


@dataclass(frozen=True)
class Edit:
    """A replacement in one file; `old` occurs in it exactly once."""

    file: str
    old: str
    new: str

    def applied(self, root: Path) -> str:
        """The file's content afterwards. Raises `StaleMutationError`."""
        content = (root / self.file).read_text()
        if (count := content.count(self.old)) != 1:
            raise StaleMutationError(f"{self.file} has {count} times: {self.old!r}")
        return content.replace(self.old, self.new)


@dataclass(frozen=True)
class Mutation:
    """What is broken by its edits, the tests that must fail then, and some that must not."""

    what: str
    edits: tuple[Edit, ...]
    red: tuple[str, ...]
    green: tuple[str, ...] = ()


def _tests(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/integration/messaging/{file}.py::{name}" for name in names)


def _messaging(file: str, old: str, new: str) -> tuple[Edit, ...]:
    return (Edit(f"{MESSAGING}/{file}.py", old, new),)


MUTATIONS = (
    Mutation(
        "nobody asks unless the bell rings",
        _messaging(
            "dispatcher", "pause = self._poll * (0.75 + self._draw() / 4)", "pause = 3600.0"
        ),
        red=_tests(
            "test_t8_without_the_bell",
            "test_an_event_that_nobody_rang_for_is_found_by_asking",
            "test_an_event_stored_by_plain_sql_is_delivered",
        ),
        green=_tests("test_t8_without_the_bell", "test_the_bell_spares_the_wait"),
    ),
    Mutation(
        "the bell does not ring",
        _messaging(
            "bell", "    def ring(self) -> None:\n", "    def ring(self) -> None:\n        return\n"
        ),
        red=_tests("test_t8_without_the_bell", "test_the_bell_spares_the_wait"),
        green=_tests(
            "test_t8_without_the_bell",
            "test_an_event_that_nobody_rang_for_is_found_by_asking",
            "test_an_event_stored_by_plain_sql_is_delivered",
        ),
    ),
    Mutation(
        "a reaction is paid for after its commit",
        _messaging(
            "delivering",
            """\
            if ours:
                payment = await ledger.pay(connection, ours)
            await session.commit()
""",
            """\
            await session.commit()
        if ours:
            async with self._engine.begin() as connection:
                payment = await ledger.pay(connection, ours)
""",
        ),
        red=_tests(
            "test_t1_atomicity", "test_what_a_reaction_did_is_undone_when_it_cannot_be_paid_for"
        ),
    ),
    Mutation(
        "events are numbered before the aggregate is locked",
        (
            Edit(
                "src/app/shared/infrastructure/unit_of_work.py",
                """\
            await self._session.flush()
            events = recorded_events(self._session)
""",
                """\
            events = recorded_events(self._session)
""",
            ),
        ),
        red=_tests(
            "test_t6_one_aggregate", "test_an_aggregate_is_locked_before_its_events_are_numbered"
        ),
    ),
    Mutation(
        "any delivery of a key is claimed, not its head alone",
        _messaging(
            "claiming", "SELECT key IS NULL OR line[1] = position AS head", "SELECT true AS head"
        ),
        red=(
            *_tests("test_t3_isolation", "test_a_poisoned_key_waits_alone"),
            *_tests("test_effects", "test_the_effects_of_a_key_come_one_after_the_other"),
            *_tests("test_batches", "test_a_batch_has_no_two_of_a_key_and_keeps_their_order"),
        ),
    ),
    Mutation(
        "an overtaken reaction runs all the same",
        _messaging(
            "ledger",
            """\
    AND attempts = ($3::int[])[array_position($2::bigint[], position)]
FOR UPDATE
""",
            """\
    AND $3::int[] IS NOT NULL
FOR UPDATE
""",
        ),
        red=(
            *_tests("test_dispatcher", "test_a_claim_overtaken_by_another_does_nothing"),
            *_tests("test_batches", "test_what_a_batch_lost_meanwhile_it_leaves_to_whoever_has_it"),
        ),
    ),
    Mutation(
        "an overtaken effect pays all the same",
        _messaging(
            "ledger",
            """\
        AND attempts = ($3::int[])[array_position($2::bigint[], position)]
    RETURNING position, key
""",
            """\
        AND $3::int[] IS NOT NULL
    RETURNING position, key
""",
        ),
        red=_tests("test_effects", "test_an_effect_that_lost_its_claim_pays_for_nobody"),
    ),
    Mutation(
        "a claim waits for what runs elsewhere",
        _messaging(
            "claiming",
            "LIMIT known.most + $5 FOR UPDATE SKIP LOCKED",
            "LIMIT known.most + $5 FOR UPDATE",
        ),
        red=_tests(
            "test_t9_slow_handler",
            "test_a_reaction_slower_than_its_lease_runs_once",
            "test_beside_a_second_process_a_reaction_slower_than_its_lease_runs_once",
        ),
    ),
    Mutation(
        "a claim does not lock what it takes",
        _messaging(
            "claiming",
            "LIMIT known.most + $5 FOR UPDATE SKIP LOCKED",
            "LIMIT known.most + $5",
        ),
        red=_tests(
            "test_t9_slow_handler",
            "test_a_reaction_slower_than_its_lease_runs_once",
            "test_beside_a_second_process_a_reaction_slower_than_its_lease_runs_once",
        ),
    ),
    Mutation(
        "an attempt is counted when it fails, not before it runs",
        (
            *_messaging("claiming", "SET attempts = attempts + 1,", "SET attempts = attempts,"),
            *_messaging(
                "ledger",
                "interval '1 second', last_error = $5,",
                "interval '1 second', last_error = $5, attempts = attempts + 1,",
            ),
        ),
        red=(
            *_tests("test_t2_retries", "test_an_attempt_counts_before_it_runs"),
            *_tests(
                "test_t10_killer",
                "test_a_handler_that_kills_its_process_ends_dead_and_its_siblings_are_fine",
            ),
        ),
    ),
    Mutation(
        "what was tried together is tried together again",
        _messaging("claiming", "+ random() * least(300, 4 * (2 ^ least(attempts, 10) - 1))", ""),
        red=_tests(
            "test_t10_killer",
            "test_a_handler_that_kills_its_process_ends_dead_and_its_siblings_are_fine",
        ),
    ),
    Mutation(
        "the back-off does not grow",
        _messaging(
            "delivering",
            "min(LONGEST_BACK_OFF, BACK_OFF * 2 ** min(delivery.attempts - 1, 10))",
            "BACK_OFF",
        ),
        red=_tests("test_t2_retries", "test_a_failing_subscriber_retries_alone_and_dies"),
    ),
    Mutation(
        "an effect is paid for before it runs",
        _messaging(
            "delivering",
            '        fail_point("before_effect")\n',
            '        await self._pay(delivery, "paid")\n',
        ),
        red=_tests("test_effects", "test_an_effect_is_owed_until_it_ran"),
    ),
    Mutation(
        "an effect has a new key at every attempt",
        _messaging(
            "delivering",
            'f"{delivery.event.id}:{name}"',
            'f"{delivery.event.id}:{name}:{delivery.attempts}"',
        ),
        red=_tests(
            "test_effects",
            "test_an_effect_that_failed_is_repeated_under_the_same_key_until_it_dies",
        ),
    ),
    Mutation(
        "an effect runs in a transaction",
        _messaging(
            "delivering",
            """\
        async with bounded(subscriber.timeout):
            await call
""",
            """\
        async with self._engine.begin():
            await call
""",
        ),
        red=_tests("test_effects", "test_an_effect_runs_without_a_connection_or_a_transaction"),
    ),
    Mutation(
        "an effect has no timeout",
        _messaging(
            "delivering", "        async with bounded(subscriber.timeout):\n", "        if True:\n"
        ),
        red=_tests("test_effects", "test_an_effect_beyond_its_timeout_has_failed_and_backs_off"),
    ),
    Mutation(
        "a reaction has no timeout",
        _messaging("delivering", "async with bounded(reaction.timeout):", "if True:"),
        red=_tests(
            "test_interruptions",
            "test_a_reaction_that_takes_longer_than_its_timeout_has_failed",
        ),
    ),
    Mutation(
        "what a dead process had claimed is nobody's for minutes",
        _messaging("claiming", "LEASE = 4.0", "LEASE = 400.0"),
        red=(
            "tests/unit/messaging/test_leases.py"
            "::test_what_a_reaction_had_claimed_is_claimed_again_within_ten_seconds",
        ),
    ),
    Mutation(
        "an effect counts as abandoned minutes after its timeout",
        _messaging("claiming", "CLOSING = 5.0", "CLOSING = 500.0"),
        red=(
            "tests/unit/messaging/test_leases.py"
            "::test_what_an_effect_had_claimed_is_claimed_again_ten_seconds_after_its_timeout",
        ),
    ),
    Mutation(
        "a claim looks on until it has found enough that is not blocked",
        _messaging(
            "claiming",
            "WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at <= now()\n",
            """\
WHERE subscriber = known.subscriber AND dead_at IS NULL AND available_at <= now()
            AND NOT EXISTS (
                SELECT FROM messaging.delivery AS earlier
                WHERE earlier.subscriber = delivery.subscriber AND earlier.key = delivery.key
                    AND earlier.position < delivery.position AND earlier.dead_at IS NULL
            )
""",
        ),
        red=_tests(
            "test_claim_plan",
            "test_a_claim_from_a_million_looks_at_few_pages_of_the_right_indexes",
        ),
    ),
    Mutation(
        "a claim is planned by what PostgreSQL believes of the queue",
        _messaging("claiming", "set_config('enable_seqscan', 'off', true)", "true"),
        red=_tests(
            "test_claim_plan",
            "test_a_claim_from_a_million_looks_at_few_pages_of_the_right_indexes",
        ),
    ),
    Mutation(
        "of a batch that fails nothing is tried alone",
        _messaging("delivering", "with suppress(Exception):", "with suppress():"),
        red=_tests("test_batches", "test_when_one_of_a_batch_fails_each_gets_its_own_transaction"),
    ),
    Mutation(
        "an outage costs the attempt",
        _messaging("delivering", "if met and", "if not error and"),
        red=_tests(
            "test_interruptions", "test_a_reaction_whose_connection_breaks_gets_its_attempt_back"
        ),
    ),
    Mutation(
        "no interruption ever counts",
        _messaging("delivering", "] <= SPARED", "] > 0"),
        red=_tests(
            "test_interruptions",
            "test_what_brings_the_database_down_each_time_ends_as_a_dead_letter",
        ),
    ),
    Mutation(
        "what others took is paid for without being handled",
        _messaging("delivering", "if delivery.position in locked]", "]"),
        red=_tests("test_batches", "test_what_others_took_and_gave_back_meanwhile_is_not_paid_for"),
    ),
    Mutation(
        "what is given back keeps its attempt",
        _messaging("ledger", "SET attempts = attempts - 1, available_at", "SET available_at"),
        red=(
            *_tests("test_dispatcher", "test_a_delivery_cut_short_by_shutdown_is_given_back"),
            *_tests("test_effects", "test_an_effect_cut_short_by_shutdown_is_given_back"),
        ),
    ),
    Mutation(
        "a payment does not wake the next of its key",
        _messaging(
            "ledger",
            "WHERE subscriber = $1 AND dead_at IS NULL AND attempts = 0 AND position = ANY (ARRAY(",
            "WHERE false AND position = ANY (ARRAY(",
        ),
        red=_tests(
            "test_t3_isolation",
            "test_the_next_delivery_of_a_key_is_due_as_soon_as_its_head_is_paid",
        ),
    ),
    Mutation(
        "an event of another system is stored as often as it comes",
        _messaging("log", "    ON CONFLICT (id) DO NOTHING\n", ""),
        red=_tests(
            "test_received_events",
            "test_an_event_received_again_is_known",
            "test_of_many_receptions_at_once_one_is_the_first",
        ),
    ),
    Mutation(
        "the purge forgets what is owed",
        _messaging(
            "purging",
            """\
    WHERE event.occurred_at < $3 AND NOT EXISTS (
        SELECT 1 FROM messaging.delivery WHERE delivery.position = event.position
    )
""",
            """\
    WHERE event.occurred_at < $3
""",
        ),
        red=_tests("test_t12_purge", "test_only_what_is_old_and_owed_to_nobody_is_forgotten"),
    ),
)
