"""The measurements: bursts on product and ceiling in turn, so that both see the same machine."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.accounting import cpu_seconds, forget_peak, peak_mib, resident_mib, settle
from bench.bare import BareSql, Statement, hashes_per_second
from bench.figures import Figures, Sample
from bench.processes import BrokenRunError, Postgres, Server

PROBE_PAUSE_SECONDS = 0.02
STORM_CLIENTS = 32
CROWD = 64
WARM_SECONDS = 0.5
PUBLISHING = "register, cheap hash"
"""Register where nobody reacts: what is compared with a single insert."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a run takes: repetitions and the seconds of one burst, clients of a CPU burst."""

    repetitions: int
    burst: float
    storm: float
    clients: int = 16


FULL = Effort(repetitions=3, burst=2.5, storm=7.0)
QUICK = Effort(repetitions=1, burst=1.0, storm=3.0)


def sample(answer: dict[str, Any], server_s: float = 0.0, postgres_s: float = 0.0) -> Sample:
    count = max(answer["count"], 1)
    return Sample(
        count=answer["count"],
        errors=answer["errors"],
        per_second=answer["per_second"],
        p50_ms=answer["p50_ms"],
        p99_ms=answer["p99_ms"],
        server_ms=server_s / count * 1000,
        postgres_ms=postgres_s / count * 1000,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One run's figures with what is needed to take them."""

    figures: Figures
    postgres: Postgres
    effort: Effort
    say: Callable[[str], None]

    def burst(self, server: Server, scenario: str, *, called: str, deferred: bool = False) -> None:
        """Keep all clients of one scenario busy; `deferred` work counts until it is done."""
        settle(self.postgres.postmaster)
        own, database = cpu_seconds(server.pid), cpu_seconds(self.postgres.postmaster)
        answer = server.order({scenario: {"clients": self.effort.clients}}, self.effort.burst)
        if deferred:
            settle(self.postgres.postmaster)
        own = cpu_seconds(server.pid) - own
        database = cpu_seconds(self.postgres.postmaster) - database
        taken = sample(answer[scenario], own, database)
        self.figures.samples[called, server.name].append(taken)
        self.figures.single["load, µs of CPU per request"].append(answer["client_us"])

    def routes(self, servers: list[Server], scenarios: dict[str, str], sql: BareSql) -> None:
        """What each scenario costs on each server; `scenarios` maps scenario to reported name."""
        for repetition in range(self.effort.repetitions):
            for scenario, called in scenarios.items():
                self.say(f"{called}, {repetition + 1} of {self.effort.repetitions}")
                for server in servers:
                    deferred = scenario == "register"
                    self.burst(server, scenario, called=called, deferred=deferred)
                if called == PUBLISHING:
                    pace = self.figures.samples[called, servers[0].name][-1].per_second
                    self.statement("insert at that pace", sql.insert(self.effort.burst, pace))
                if scenario == "refresh":
                    self.statement("rotation, flat out", sql.rotation(self.effort.burst))

    def statement(self, called: str, cost: Statement) -> None:
        single = self.figures.single
        single[f"bare {called}, per second"].append(cost.per_second)
        single[f"bare {called}, client CPU ms"].append(cost.client_ms)
        single[f"bare {called}, PostgreSQL CPU ms"].append(cost.postgres_ms)

    def rest(self, server: Server) -> None:
        """What a worker weighs that has started and has had nothing to do."""
        settle(server.pid)
        self.figures.single["memory idle, MiB"].append(resident_mib(server.pid))

    def warm(self, server: Server, scenarios: Iterable[str]) -> None:
        """Make the crowd and let every path run once, so that no burst pays for a first time."""
        self.say(f"warming up {server.name}")
        for _ in range(0, CROWD, self.effort.clients):
            answer = server.order({"enrol": {"clients": self.effort.clients}})
            if answer["enrol"]["errors"]:
                raise BrokenRunError(f"{server.name} cannot enrol: {answer['enrol']['errors']}")
        for scenario in scenarios:
            server.order({scenario: {"clients": self.effort.clients}}, WARM_SECONDS)

    def storm(self, servers: list[Server]) -> None:
        """Thirty-two clients log in with the real hash while one asks for its profile."""
        single = self.figures.single
        probe = {"me": {"clients": 1, "pause": PROBE_PAUSE_SECONDS}}
        for repetition in range(self.effort.repetitions):
            self.say(f"storm of logins, {repetition + 1} of {self.effort.repetitions}")
            raw: list[float] = []
            for server in servers:
                raw.append(hashes_per_second(self.effort.storm / 2))
                quiet = server.order(probe, self.effort.burst)
                self.figures.samples["me, idle", server.name].append(sample(quiet["me"]))
                forget_peak(server.pid)
                logins = {"login": {"clients": STORM_CLIENTS}}
                answer = server.order(logins | probe, self.effort.storm)
                for scenario in ("login", "me"):
                    taken = sample(answer[scenario])
                    self.figures.samples[f"{scenario} in the storm", server.name].append(taken)
                if server.name == "product":
                    peak = peak_mib(server.pid)
                    single["memory in the storm, MiB"].append(peak)
                    idle = single["memory idle, MiB"][0]
                    single["memory added by the storm, MiB"].append(peak - idle)
            single["raw Argon2 per second"].append(statistics.mean(raw))

    def many(self, server: Server) -> None:
        """Sixty-four clients in every scenario, then 10 000 requests that need the database."""
        names = ("register", "login", "refresh", "me")
        errors = 0
        for name in names:
            self.say(f"64 clients: {name}")
            answer = server.order({name: {"clients": CROWD}}, self.effort.burst)
            taken = sample(answer[name])
            self.figures.samples[f"{name}, 64 clients", server.name].append(taken)
            errors += sum(taken.errors.values())
        if server.name != "product":
            return
        before = self.postgres.connections()
        answer = server.order({"me": {"clients": CROWD, "count": 10_000}})
        taken = sample(answer["me"])
        self.figures.samples["10 000 me", server.name].append(taken)
        after = self.postgres.connections()
        leaked = max(after["open"] - before["open"], 0) + after["in transaction"]
        self.figures.single["errors of 64 clients"].append(errors + sum(taken.errors.values()))
        self.figures.single["connections leaked by 10 000 me"].append(leaked)
