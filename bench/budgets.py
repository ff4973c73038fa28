"""The budgets: what the product may cost, as ratios to what was measured beside it in one run."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.bare import CORES
from bench.deliveries import BATCHES, HOT, ONE_BY_ONE, SIZES, sized
from bench.figures import Figures, Spread, difference, ratio

HASH_MIB = 19


@dataclass(frozen=True, slots=True)
class Budget:
    """One line of the table; `at_least` turns the comparison round."""

    number: str
    measure: str
    must: float
    aim: float
    result: Spread
    unit: str = " x"
    at_least: bool = False

    @property
    def verdict(self) -> str:
        if not self.result.figures:
            return "not measured"
        sign = -1 if self.at_least else 1
        value = sign * self.result.median
        if value <= sign * self.aim:
            return "ok, aim met"
        return "ok" if value <= sign * self.must else "OVER"

    def limit(self, bound: float) -> str:
        return f"{'≥' if self.at_least else '≤'} {bound:.4g}{self.unit}"


def judge(figures: Figures) -> Iterator[Budget]:
    of, named = figures.of, figures.named
    storm, idle = "me in the storm", "me, idle"

    yield Budget("G1", f"{storm} of 32 logins, p99", 40, 15, of(storm, "product", "p99_ms"), " ms")
    calm = ratio(of(storm, "product", "p50_ms"), of(idle, "product", "p50_ms"))
    yield Budget("G1", f"{storm}, p50 over its idle p50", 2, 2, calm)
    share = ratio(of("login in the storm", "product", "per_second"), named("raw Argon2 per second"))
    yield Budget("G2", "logins/s in the storm over raw Argon2", 0.75, 0.85, share, at_least=True)

    def to_ceiling(scenario: str, figure: str) -> Spread:
        return ratio(of(scenario, "product", figure), of(scenario, "ceiling", figure))

    login, refresh, me = "login, cheap hash", "refresh", "me"
    yield Budget(
        "G3", "login's CPU beyond the hash over ceiling", 2, 1.5, to_ceiling(login, "server_ms")
    )
    yield Budget(
        "G4", "refresh, server CPU over ceiling", 1.8, 1.3, to_ceiling(refresh, "server_ms")
    )
    yield Budget(
        "G5", "refresh, PostgreSQL CPU over ceiling", 1.5, 1.2, to_ceiling(refresh, "postgres_ms")
    )
    empty = of("empty", "ceiling", "server_ms")
    guarded = ratio(of("claims", "probe", "server_ms"), empty)
    yield Budget("G6", "guarded route from claims over bare FastAPI", 2.5, 1.8, guarded)
    yield Budget("G7", "me with its row over ceiling", 1.6, 1.2, to_ceiling(me, "server_ms"))
    added = difference(of("empty", "probe", "server_ms"), empty)
    yield Budget("G8", "added to an empty route", 0.15, 0.08, added, " ms")
    insert = named("bare insert at that pace, PostgreSQL CPU ms")
    written = ratio(of("register, cheap hash", "product", "postgres_ms"), insert)
    yield Budget("G9", "register, PostgreSQL CPU over a single insert at its pace", 3, 2, written)

    shortest, longest = sized(SIZES[0]), sized(SIZES[-1])
    for scenario, called, must in (
        (ONE_BY_ONE, "one by one", 1_000),
        (BATCHES, "in batches of 100", 5_000),
    ):
        pace = of(scenario, shortest, "per_second")
        yield Budget(
            "G10", f"deliveries {called}", must, must * 3, pace, " per second", at_least=True
        )
    for name in (longest, HOT):
        slower = ratio(of(ONE_BY_ONE, name, "p50_ms"), of(ONE_BY_ONE, shortest, "p50_ms"))
        yield Budget("G10", f"a claim with {name} over with {shortest}", 2, 1.2, slower)
        pace = ratio(of(ONE_BY_ONE, name, "per_second"), of(ONE_BY_ONE, shortest, "per_second"))
        yield Budget(
            "G10", f"deliveries/s with {name} over with {shortest}", 0.5, 0.8, pace, at_least=True
        )

    yield Budget("G11", "memory of a worker, idle", 130, 100, named("memory idle, MiB"), " MiB")
    grown = named("memory added by the storm, MiB")
    room = CORES * HASH_MIB + 20
    yield Budget("G11", f"its growth in the storm, {CORES} threads", room, room, grown, " MiB")
    yield Budget("G12", "import of the application", 1.3, 1, named("import, CPU s"), " s CPU")
    first = named("start to first answer, CPU s")
    yield Budget("G12", "start to first answer", 1.3, 1, first, " s CPU")
    yield Budget(
        "G13", "wrong answers, 64 clients, every scenario", 0, 0, named("errors of 64 clients"), ""
    )
    leaked = named("connections leaked by 10 000 me")
    yield Budget("G13", "connections leaked by 10 000 me", 0, 0, leaked, "")
