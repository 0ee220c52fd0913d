from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from genuka_pipelines.control import ClockAhead, Control, NotOpaque, Switched


def test_everything_is_off_until_somebody_switched_it_on(control: Control, now: datetime) -> None:
    assert not control.switches.on("retention_sweep")
    assert control.switches.switch("retention_sweep", True, by="staff:4", now=now)
    assert control.switches.on("retention_sweep")
    assert not control.switches.on("Retention_sweep")
    assert control.switches.switch("retention_sweep", False, by="staff:4", now=now)
    assert not control.switches.on("retention_sweep")
    said = [entry.body for entry in control.ledger.entries()]
    assert said == [Switched(capability="retention_sweep", on=True), Switched(capability="retention_sweep", on=False)]


def test_only_a_change_is_written_down(control: Control, now: datetime) -> None:
    threads = [
        threading.Thread(target=control.switches.switch, args=("a", True), kwargs={"by": f"staff:{n}", "now": now})
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert control.switches.on("a")
    assert not control.switches.switch("a", True, by="staff:4", now=now)
    assert control.switches.switch("b", False, by="staff:4", now=now), "that nobody wants it is a decision too"
    assert control.ledger.head().seq == 2


def test_a_refused_switch_stays_as_it_was(control: Control, now: datetime) -> None:
    for capability, by in (("a", "Aïcha N'Diaye"), ("Aïcha N'Diaye", "staff:4")):
        with pytest.raises(NotOpaque, match="a switch") as refusal:
            control.switches.switch(capability, True, by=by, now=now)
        assert "Diaye" not in str(refusal.value)
    with pytest.raises(ClockAhead):
        control.switches.switch("a", True, by="staff:4", now=now + timedelta(days=1))
    assert not control.switches.on("a")
    assert control.ledger.head().seq == 0
