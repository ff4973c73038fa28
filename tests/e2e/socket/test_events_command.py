"""`app events …`: what it shows, what it changes, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.shared.infrastructure.statements import Statements
from tests.e2e.socket.command_line import CommandLine
from tests.e2e.socket.server import environment
from tests.e2e.socket.terminal import on_terminal

OURS = "users.create_profile"
GONE = "lab.gone"
EMPHASIS = re.compile("\x1b\\[[0-9;]*m")
TYPE = "auth.account_registered"
SEED = f"""
WITH subscribed AS (
    INSERT INTO messaging.subscription (subscriber, event_type, strict, last_delivered_at)
    VALUES ('{OURS}', '{TYPE}', false, '2026-02-01Z'), ('{GONE}', '{TYPE}', false, NULL)
), stored AS (
    INSERT INTO messaging.event (id, type, version, key, payload, meta, occurred_at)
    SELECT gen_random_uuid(), '{TYPE}', 1, 'k' || n, '{{"a": 1}}', '{{"correlation_id": "r"}}',
        timestamptz '2026-01-01Z' + n * interval '1 day'
    FROM generate_series(1, 6) AS n
    RETURNING position, key
)
INSERT INTO messaging.delivery
    (position, subscriber, key, strict, attempts, available_at, dead_at, last_error)
SELECT position, '{OURS}', key, false, 8, '2026-01-01Z',
    CASE WHEN position > 2 THEN timestamptz '2026-01-09Z' END, 'OSError in send, line 1 of mail.py'
FROM stored WHERE position > 1
"""
"""Of six events the first was delivered, the second is owed, and the others are dead."""


@pytest.fixture(scope="module")
def command_line(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CommandLine]:
    """On a machine whose own time is not UTC."""
    folder = tmp_path_factory.mktemp("command_line")
    far_east = environment(database_url, folder, TZ="JST-9")
    command_line = CommandLine(far_east, folder)
    yield command_line
    command_line.close()


@pytest.fixture(autouse=True)
async def seeded(statements: Statements) -> None:
    await statements.rows(SEED)


async def test_the_lag_is_shown_to_people_and_to_machines(command_line: CommandLine) -> None:
    shown, as_json = await _all(command_line, ("lag",), ("lag", "--json"))

    gone, ours = json.loads(as_json.stdout)
    assert ours.pop("oldest_age") > 0
    assert ours == {
        "subscriber": OURS, "owed": 1, "due": 1, "waiting": 0, "dead": 4, "more": False,
        "last_delivered_at": "2026-02-01T00:00:00+00:00",
    }  # fmt: skip
    assert (gone["subscriber"], gone["owed"], gone["oldest_age"]) == (GONE, 0, None)
    titles, *rows = shown.stdout.splitlines()
    assert titles.split() == ["subscriber", "owed", "due", "waiting", "oldest", "dead", "last",
                              "delivered"]  # fmt: skip
    assert [row.split()[:2] for row in rows] == [[GONE, "0"], [OURS, "1"]]
    assert "\x1b" not in shown.stdout


async def test_dead_letters_are_listed_and_shown(command_line: CommandLine) -> None:
    listed, few, all_of_one, shown, one = await _all(
        command_line,
        ("dead", "list"),
        ("dead", "list", "--limit", "3"),
        ("dead", "list", "--subscriber", OURS, "--json"),
        ("dead", "show", "3", OURS),
        ("dead", "show", "3", OURS, "--json"),
    )

    assert len(listed.stdout.splitlines()) == 5
    assert listed.stderr == ""
    assert len(few.stdout.splitlines()) == 4
    assert few.stderr == "there are more than 3: --limit shows them\n"
    letters = json.loads(all_of_one.stdout)
    assert [letter["position"] for letter in letters] == [3, 4, 5, 6]
    assert letters[0] == json.loads(one.stdout)
    assert letters[0].pop("event_id")
    assert letters[0] == {
        "position": 3, "subscriber": OURS, "type": TYPE, "version": 1, "key": "k3",
        "occurred_at": "2026-01-04T00:00:00+00:00", "attempts": 8,
        "dead_at": "2026-01-09T00:00:00+00:00",
        "last_error": "OSError in send, line 1 of mail.py",
        "payload": {"a": 1}, "meta": {"correlation_id": "r"},
    }  # fmt: skip
    assert '"correlation_id": "r"' in shown.stdout
    assert "OSError in send, line 1 of mail.py" in shown.stdout


async def test_dead_letters_are_revived_and_discarded_alone_or_together(
    command_line: CommandLine, statements: Statements
) -> None:
    revived = await _done(command_line, "dead", "revive", "3", OURS)
    discarded = await _done(command_line, "dead", "discard", "4", OURS)
    assert await _deliveries(statements) == [(2, False), (3, False), (5, True), (6, True)]

    all_revived = await _done(command_line, "dead", "revive", "--subscriber", OURS, "--all")
    assert await _deliveries(statements) == [(2, False), (3, False), (5, False), (6, False)]

    await statements.rows("UPDATE messaging.delivery SET dead_at = now() WHERE position > 4")
    all_discarded = await _done(
        command_line, "dead", "discard", "--subscriber", OURS, "--all", "--yes"
    )
    assert await _deliveries(statements) == [(2, False), (3, False)]

    assert revived == {"revived": 1}
    assert discarded == {"discarded": 1}
    assert all_revived == {"revived": 2}
    assert all_discarded == {"discarded": 2}


async def test_past_events_are_replayed(command_line: CommandLine, statements: Statements) -> None:
    said = await command_line.run(
        "events", "replay", "--subscriber", OURS, "--since", "2026-01-02", "--until",
        "2026-01-04T01:00+01:00",
    )  # fmt: skip
    everything = await _done(
        command_line, "replay", "--subscriber", GONE, "--since", "4000d", "--type", TYPE
    )

    assert said.returncode == 0, said.stderr
    assert said.stdout == (
        "owed anew: 1, already owed: 1, dead letters left alone: 0"
        " (from 2026-01-02 00:00:00Z until 2026-01-04 00:00:00Z)\n"
    )
    assert said.stderr == ""
    assert everything.keys() == {"since", "until", "owed_anew", "already_owed", "dead"}
    assert everything["owed_anew"] == 6
    assert len(await _deliveries(statements)) == 6
    assert len(await _deliveries(statements, GONE)) == 6


async def test_subscriptions_are_listed_and_pruned(
    command_line: CommandLine, statements: Statements
) -> None:
    await _done(command_line, "replay", "--subscriber", GONE, "--since", "2026-01-01")

    listed = await _done(command_line, "subscriptions")
    owed, unasked = await _all(
        command_line,
        ("subscriptions", "prune", "--yes"),
        ("subscriptions", "prune", "--discard-owed"),
    )
    assert listed == [
        {"subscriber": GONE, "event_type": TYPE, "strict": False, "known": False,
         "last_delivered_at": None},
        {"subscriber": OURS, "event_type": TYPE, "strict": False, "known": True,
         "last_delivered_at": "2026-02-01T00:00:00+00:00"},
    ]  # fmt: skip
    assert owed.stderr == (
        "app: 6 deliveries are still owed; nothing was pruned (--discard-owed gives up what is"
        " owed)\n"
    )
    assert GONE in owed.stdout
    assert OURS not in owed.stdout
    assert (owed.returncode, unasked.returncode) == (1, 1)
    assert "--yes" in unasked.stderr
    assert len(await _deliveries(statements, GONE)) == 6

    pruned = await _done(command_line, "subscriptions", "prune", "--discard-owed", "--yes")
    again = await _done(command_line, "subscriptions", "prune")

    assert [each["subscriber"] for each in pruned["pruned"]] == [GONE]
    assert pruned["discarded"] == 6
    assert again == {"pruned": [], "discarded": 0}
    assert (
        await statements.value("SELECT string_agg(subscriber, ' ') FROM messaging.subscription")
        == OURS
    )


async def test_whoever_prunes_is_told_of_what_may_be_alive(
    command_line: CommandLine, statements: Statements
) -> None:
    alive = "may belong to running processes with other settings or newer code"
    prune = ("events", "subscriptions", "prune")
    await statements.rows(
        "INSERT INTO messaging.subscription (subscriber, event_type, strict, last_delivered_at)"
        f" VALUES ('lab.newer', '{TYPE}', false, now()), ('broker.relay', '{TYPE}', true, NULL)"
    )

    asked = await command_line.run(*prune)
    told = await command_line.run(*prune, "--yes", "--json")

    assert asked.stderr.startswith(f"app: broker.relay, lab.newer {alive}")
    assert "Prune 3 subscriptions and discard 0 deliveries?" in asked.stderr
    assert alive in told.stderr
    assert len(json.loads(told.stdout)["pruned"]) == 3


async def test_a_subscription_that_nobody_serves_is_pruned_without_a_warning(
    command_line: CommandLine,
) -> None:
    pruned = await command_line.run("events", "subscriptions", "prune", "--yes")

    assert pruned.stderr == ""
    assert pruned.stdout.endswith("pruned 1, discarded 0 deliveries\n")


async def test_old_events_are_purged_and_younger_ones_only_if_one_insists(
    command_line: CommandLine, statements: Statements
) -> None:
    await statements.rows(
        "UPDATE messaging.event SET occurred_at = now() - interval '2 days' WHERE position > 1"
    )
    await statements.rows("DELETE FROM messaging.delivery WHERE position = 2")

    by_retention = await _done(command_line, "purge")
    unasked = await command_line.run("events", "purge", "--older-than", "1d")
    assert by_retention == {"purged": 1}
    assert unasked.returncode == 1
    assert "--yes" in unasked.stderr
    assert await _stored(statements) == [2, 3, 4, 5, 6]

    insisted = await command_line.run("events", "purge", "--older-than", "1d", "--yes")
    assert insisted.stdout == "purged 1\n"
    assert await _stored(statements) == [3, 4, 5, 6]


async def test_what_does_not_fit_is_refused_in_one_line_and_nothing_changes(
    command_line: CommandLine, statements: Statements
) -> None:
    before = await _everything(statements)
    refused = {
        ("dead", "list", "--subscriber", "lab.nobody"): "no subscriber is called lab.nobody",
        ("dead", "show", "2", OURS): "has no dead letter at position 2",
        ("dead", "revive", "2", OURS): "has no dead letter at position 2",
        ("dead", "revive", "3", "lab.nobody"): f"there are: {GONE}, {OURS}",
        ("dead", "revive", "3"): "say POSITION and SUBSCRIBER",
        ("dead", "revive", "3", OURS, "--all"): "say POSITION and SUBSCRIBER",
        ("dead", "revive", "--subscriber", "lab.nobody", "--all"): "lab.nobody",
        ("dead", "discard", "99", OURS): "has no dead letter at position 99",
        ("dead", "discard", "--subscriber", OURS, "--all"): "say --yes",
        ("dead", "discard", "--subscriber", "lab.nobody", "--all", "--yes"): "lab.nobody",
        ("replay", "--subscriber", "lab.nobody", "--since", "7d"): "lab.nobody",
        ("replay", "--subscriber", OURS, "--since", "4000d", "--type", "x"): f"it does to: {TYPE}",
        ("replay", "--subscriber", OURS, "--since", "soon"): "soon is no time",
        ("replay", "--subscriber", OURS, "--since", "1d", "--until", "2d"): "ends before",
        ("replay", "--subscriber", OURS, "--since", "2999-01-01"): "--since is in the future",
        ("purge", "--older-than", "1"): "1 is no age",
    }

    ended = await _all(command_line, *refused)

    for (command, reason), refusal in zip(refused.items(), ended, strict=True):
        assert refusal.returncode == 1, command
        [line] = refusal.stderr.splitlines()
        assert line.startswith("app: "), command
        assert reason in line
        assert refusal.stdout == "", command
    assert await _everything(statements) == before


@pytest.mark.parametrize(("answer", "left"), [("n", 5), ("y", 1)])
async def test_on_a_terminal_much_is_lost_only_after_a_yes(
    database: str, tmp_path: Path, statements: Statements, answer: str, left: int
) -> None:
    code, said = await asyncio.to_thread(
        on_terminal,
        ["events", "dead", "discard", "--subscriber", OURS, "--all"],
        environment(database, tmp_path, TERM="xterm"),
        typed=f"{answer}\n",
    )

    assert f"Discard all dead letters of {OURS}? [y/N]" in said
    assert (code, "nothing was changed" in said) == ((1, True) if answer == "n" else (0, False))
    assert len(await _deliveries(statements)) == left


async def test_a_terminal_sees_progress_and_colours_unless_it_wants_none(
    database: str, tmp_path: Path
) -> None:
    replay = ["events", "replay", "--subscriber", OURS, "--since", "4000d"]
    colourful = environment(database, tmp_path, TERM="xterm")

    _, replayed = await asyncio.to_thread(on_terminal, replay, colourful)
    _, plainer = await asyncio.to_thread(on_terminal, replay, colourful | {"NO_COLOR": "1"})
    _, lag = await asyncio.to_thread(on_terminal, ["events", "lag"], colourful, columns=120)

    assert "owing anew" in replayed
    assert "100%" in replayed
    assert "\x1b[3" in replayed
    assert "owing anew" in plainer
    assert "\x1b[3" not in plainer
    assert "━" in lag


@pytest.mark.parametrize("columns", [40, 80, 160])
async def test_a_terminal_of_any_width_shows_whole_what_is_typed_again(
    database: str, tmp_path: Path, columns: int
) -> None:
    env = environment(database, tmp_path, TERM="xterm", NO_COLOR="1")

    for command, names in {
        ("events", "lag"): (OURS, GONE),
        ("events", "dead", "list"): (OURS, TYPE),
        ("events", "dead", "show", "3", OURS): (OURS, TYPE),
        ("events", "subscriptions"): (OURS, GONE, TYPE),
        ("schedule", "list"): ("messaging.purge_events",),
    }.items():
        _, shown = await asyncio.to_thread(on_terminal, command, env, columns=columns)

        for name in names:
            assert name in shown, (command, shown)
        lines = [EMPHASIS.sub("", line).rstrip() for line in shown.splitlines()]
        assert max(map(len, lines)) <= columns, shown
        assert lines[0], shown


async def _all(
    command_line: CommandLine, *commands: Sequence[str]
) -> list[subprocess.CompletedProcess[str]]:
    return [await command_line.run("events", *command) for command in commands]


async def _done(command_line: CommandLine, *arguments: str) -> Any:
    """What the command said as JSON."""
    ended = await command_line.run("events", *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


async def _deliveries(statements: Statements, subscriber: str = OURS) -> list[tuple[int, bool]]:
    """Position and whether it is dead."""
    rows = await statements.rows(
        "SELECT position, dead_at IS NOT NULL AS dead FROM messaging.delivery"
        " WHERE subscriber = $1 ORDER BY position",
        subscriber,
    )
    return [(row["position"], row["dead"]) for row in rows]


async def _stored(statements: Statements) -> list[int]:
    rows = await statements.rows("SELECT position FROM messaging.event ORDER BY position")
    return [row["position"] for row in rows]


async def _everything(statements: Statements) -> list[str]:
    return [
        await statements.value(
            f"SELECT string_agg(each::text, ' ' ORDER BY each) FROM messaging.{table} AS each"
        )
        for table in ("event", "subscription", "delivery")
    ]
