"""What a run finds: samples of scenarios and single figures, each repeated, kept by name."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One burst of a scenario on one server; CPU in milliseconds per request."""

    count: int
    errors: dict[str, int]
    per_second: float
    p50_ms: float
    p99_ms: float
    server_ms: float = 0.0
    postgres_ms: float = 0.0


class Spread:
    """Repetitions of one figure: the median is the result, lowest and highest are its honesty."""

    def __init__(self, figures: Iterable[float]) -> None:
        self.figures = list(figures)

    @property
    def median(self) -> float:
        return statistics.median(self.figures)

    def text(self, unit: str = "") -> str:
        if not self.figures:
            return "-"
        text = f"{brief(self.median)}{unit}"
        if len(self.figures) > 1:
            text += f" ({brief(min(self.figures))} to {brief(max(self.figures))})"
        return text


def brief(figure: float) -> str:
    if abs(figure) >= 100:
        return f"{figure:.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.3g}"


@dataclass
class Figures:
    """Everything measured, in the order of the run: `samples[scenario, server]`, `single[name]`."""

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    single: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def of(self, scenario: str, server: str, figure: str) -> Spread:
        samples = self.samples.get((scenario, server), [])
        return Spread(getattr(sample, figure) for sample in samples)

    def named(self, name: str) -> Spread:
        return Spread(self.single.get(name, []))

    def wrong(self, scenario: str, server: str) -> Counter[str]:
        """The answers that were not what the scenario expects, by status."""
        return sum(
            (Counter(sample.errors) for sample in self.samples[scenario, server]), Counter[str]()
        )

    def as_json(self) -> dict[str, Any]:
        samples = {
            f"{scenario} @ {server}": [asdict(sample) for sample in samples]
            for (scenario, server), samples in self.samples.items()
        }
        return {"samples": samples, "single": dict(self.single)}


def ratio(over: Spread, under: Spread) -> Spread:
    """Repetition by repetition, since neighbours in time saw the same machine."""
    return Spread(a / b for a, b in zip(over.figures, under.figures, strict=True) if b)


def difference(whole: Spread, part: Spread) -> Spread:
    return Spread(a - b for a, b in zip(whole.figures, part.figures, strict=True))
