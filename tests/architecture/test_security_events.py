"""The list of security events that operators read is the one that the code has."""

from __future__ import annotations

import re

from app.modules.auth.application.audit import SecurityEvent
from tests.architecture.markdown import ROOT

DOCUMENT = ROOT / "docs" / "security-events.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]*)\| ([^|]*)\|$", re.MULTILINE)
NAME = re.compile(r"`([a-z_]+)`")


def test_the_document_has_every_event_with_its_outcomes_and_alerts() -> None:
    documented = {
        what: (set(NAME.findall(outcomes)), set(NAME.findall(alerts)))
        for what, outcomes, alerts in ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    }

    assert documented == {
        event.what: ({*event.outcomes}, {*event.alerts}) for event in SecurityEvent
    }


def test_no_two_events_have_one_name() -> None:
    names = [event.what for event in SecurityEvent]

    assert len(names) == len(set(names)) == len(SecurityEvent.__members__)
