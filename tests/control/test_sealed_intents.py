from __future__ import annotations

from datetime import datetime

import pytest

from genuka_pipelines.control import Control, IntentClosed, Planned
from tests.control.retention import intend
from tests.control.servers import Server, database_of
from tests.control.workers import go, start

SEALED = bytes(range(256)) * 400


def planned(rule: str = "genuka/sessions:idle") -> Planned:
    return Planned(rule=rule, table="sessions", count=4, root="a" * 64)


def test_sealed_keys_stay_until_the_outcome(server: Server, control: Control, url: str, now: datetime) -> None:
    intent = control.ledger.intend(planned(), as_of=now, now=now, sealed=SEALED)
    control.ledger.intend(planned(), as_of=now, now=now)
    (found, bare) = control.ledger.open_intents()
    assert (intent.sealed, found.sealed, bare.sealed) == (SEALED, SEALED, b"")
    assert "x00" not in repr(found)
    control.ledger.outcome(found, count=1, root="b" * 64, as_of=now, now=now)
    assert server.run(database_of(url), "SELECT count(*) FROM ledger_open_intents WHERE sealed IS NOT NULL") == [(0,)]
    with pytest.raises(IntentClosed):
        control.ledger.outcome(intent, count=1, root="b" * 64, as_of=now, now=now)
    assert control.ledger.verify().intact


def test_a_killed_process_leaves_what_it_sealed(server: Server, control: Control, url: str, now: datetime) -> None:
    worker = start(intend, url, SEALED)
    go(worker)
    seq = worker.heard()
    worker.kill()
    (found,) = control.ledger.open_intents("genuka/sessions")
    assert (found.seq, found.sealed) == (seq, SEALED)
    control.ledger.outcome(found, count=0, root="b" * 64, as_of=now, now=now)
    assert server.run(database_of(url), "SELECT count(*) FROM ledger_open_intents") == [(0,)]
    assert control.ledger.verify().intact


def test_open_intentions_are_found_by_the_beginning_of_their_rule(control: Control, now: datetime) -> None:
    for rule in ("genuka/a:x", "genuka/a_b:x", "genuka/A:x", "genletter/a:x", "genuka/a"):
        control.ledger.intend(planned(rule), as_of=now, now=now)

    def rules(prefix: str | None) -> list[str]:
        return [intent.planned.rule for intent in control.ledger.open_intents(prefix)]

    assert rules("genuka/a:") == ["genuka/a:x"]
    assert rules("genuka/a_") == ["genuka/a_b:x"]
    assert rules("genuka/") == ["genuka/a:x", "genuka/a_b:x", "genuka/A:x", "genuka/a"]
    assert rules("%") == []
    assert len(rules(None)) == len(rules("")) == 5
