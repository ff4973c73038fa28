"""How long mail waits for a server that is away."""

from __future__ import annotations

from random import Random

from app.modules.auth.container import MAIL_ATTEMPTS
from app.shared.infrastructure.messaging.delivering import BACK_OFF, LONGEST_BACK_OFF

HOUR = 3600.0


def waited(draw: Random) -> float:
    """Seconds from the first attempt to the last."""
    pauses = (min(LONGEST_BACK_OFF, BACK_OFF * 2.0**failed) for failed in range(MAIL_ATTEMPTS - 1))
    return sum(draw.random() * pause for pause in pauses)


def test_mail_outlives_an_hour_without_its_server() -> None:
    draws = (Random(seed) for seed in range(1_000))  # noqa: S311  # chance, and no secret

    shortest = min(map(waited, draws))

    assert shortest > HOUR
