from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.control import (
    Anchor,
    Anchored,
    Check,
    ClockAhead,
    ClockSetBack,
    Control,
    Done,
    Intent,
    IntentClosed,
    LedgerDamaged,
    Lifecycle,
    Observation,
    Planned,
)
from genuka_pipelines.control import ledger as ledger_module
from genuka_pipelines.control.canonical import GENESIS
from tests.control.servers import Server, database_of
from tests.control.workers import check

PLANNED = Planned(rule="genuka/sessions:ended_at", table="sessions", count=4, root="a" * 64)


def test_an_empty_ledger_is_intact(control: Control) -> None:
    verification = control.ledger.verify()
    assert (verification.entries, verification.intact, verification.problems) == (0, True, ())
    assert (control.ledger.head().seq, control.ledger.head().hash) == (0, GENESIS)
    assert control.ledger.latest(Check) == ()
    assert list(control.ledger.entries()) == []
    assert control.ledger.append_all([], as_of=datetime.now(UTC), now=datetime.now(UTC)) == ()


def test_entries_are_numbered_and_chained(control: Control, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "PAGE", 4)
    as_of = now - timedelta(days=400)
    first = control.ledger.append(Lifecycle(event="up"), as_of=as_of, now=now)
    rest = control.ledger.append_all([check(n) for n in range(9)], as_of=now, now=now)
    written = [first, *rest]
    assert [entry.seq for entry in written] == list(range(1, 11))
    assert [entry.previous for entry in written] == [GENESIS, *(entry.hash for entry in written[:-1])]
    assert list(control.ledger.entries()) == written
    assert list(control.ledger.entries(after=8)) == written[8:]
    assert list(control.ledger.entries(after=10)) == []
    assert first.as_of == as_of
    assert control.ledger.verify().intact


def test_moments_keep_their_microseconds_in_utc(control: Control, now: datetime) -> None:
    moment = datetime.fromisoformat("2024-02-29T23:59:59.999999+05:30")
    control.ledger.append(Lifecycle(event="up"), as_of=moment, now=now)
    (entry,) = control.ledger.entries()
    assert entry.as_of == moment
    assert entry.at == now
    assert entry.at.utcoffset() == timedelta(0)


def test_the_latest_of_each_subject(control: Control, now: datetime) -> None:
    control.ledger.append_all([check(n) for n in range(100)], as_of=now, now=now)
    for category, rows in (("genuka/a", 1), ("genuka/A", 2), ("genuka/b", 3), ("genuka/a", 4)):
        control.ledger.append(Observation(category=category, rows={"t": rows}), as_of=now, now=now)
    assert {key: entry.seq for key, entry in control.ledger.latest_checks().items()} == {
        (check(n).asset, check(n).check): n + 1 for n in range(65, 100)
    }
    seen = {key: entry.body.rows["t"] for key, entry in control.ledger.latest_observations().items()}
    assert seen == {"genuka/a": 4, "genuka/A": 2, "genuka/b": 3}
    many = [Observation(category=f"own/c{n}", rows={}) for n in range(1_100)]
    control.ledger.append_all([*many, *many], as_of=now, now=now)
    assert len(control.ledger.latest_observations()) == 1_103
    (one,) = control.ledger.latest(Observation, "genuka/a")
    assert one.body.rows["t"] == 4
    assert control.ledger.latest(Observation, "genuka/none") == ()
    (last,) = control.ledger.latest(Observation, "genuka/A")
    assert last.seq == 102


def test_an_intention_is_durable_before_anything_is_destroyed(control: Control, url: str, now: datetime) -> None:
    intent = control.ledger.intend(PLANNED, as_of=now, now=now)
    assert (intent.seq, intent.planned, intent.as_of) == (1, PLANNED, now)
    assert [found.seq for found in control.ledger.open_intents()] == [1]
    done = control.ledger.outcome(intent, count=3, root="b" * 64, as_of=now, now=now)
    assert done.body == Done(intent=1, rule=PLANNED.rule, table="sessions", count=3, root="b" * 64)
    assert control.ledger.open_intents() == ()
    with pytest.raises(IntentClosed, match="entry 1 "):
        control.ledger.outcome(intent, count=3, root="b" * 64, as_of=now, now=now)
    assert control.ledger.head().seq == 2
    assert control.ledger.verify().intact


def test_a_killed_destroyer_finishes_under_its_old_intention(control: Control, now: datetime) -> None:
    control.ledger.intend(PLANNED, as_of=now, now=now)
    control.ledger.intend(PLANNED, as_of=now, now=now)
    first, second = control.ledger.open_intents()
    assert (first.planned, first.as_of) == (PLANNED, now)
    control.ledger.outcome(second, count=0, root="b" * 64, as_of=now, now=now)
    assert [intent.seq for intent in control.ledger.open_intents()] == [1]


def test_nobody_else_makes_an_intention(control: Control, now: datetime) -> None:
    intent = control.ledger.intend(PLANNED, as_of=now, now=now)
    with pytest.raises(TypeError):
        Intent(1, PLANNED, now)
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            attempt(intent)
    with pytest.raises(AttributeError):
        intent.seq = 9  # type: ignore[misc]
    with pytest.raises(AttributeError):
        _ = object.__new__(Intent).seq
    for body in (PLANNED, Done(intent=1, rule="r", table="t", count=1, root="a" * 64)):
        with pytest.raises(TypeError):
            control.ledger.append(body, as_of=now, now=now)
    assert control.ledger.head().seq == 1


def test_a_clock_set_back_writes_nothing(control: Control, now: datetime) -> None:
    control.ledger.append(check(1), as_of=now, now=now)
    control.ledger.append(check(2), as_of=now, now=now - timedelta(minutes=4, seconds=59))
    # Small steps back must not add up: the latest moment counts, not the last entry's.
    with pytest.raises(ClockSetBack, match="set the clock"):
        control.ledger.append(check(3), as_of=now, now=now - timedelta(minutes=5, seconds=1))
    with pytest.raises(ClockSetBack):
        control.ledger.intend(PLANNED, as_of=now, now=now - timedelta(days=400))
    assert control.ledger.head().seq == 2
    assert control.ledger.open_intents() == ()


def test_a_clock_far_ahead_does_not_lock_the_ledger_for_years(control: Control, now: datetime) -> None:
    with pytest.raises(ClockAhead, match="set the clock"):
        control.ledger.append(check(1), as_of=now, now=now + timedelta(days=365))
    control.ledger.append(check(1), as_of=now + timedelta(days=365), now=now + timedelta(minutes=4))


def test_a_moment_without_a_zone_is_refused(control: Control, now: datetime) -> None:
    with pytest.raises(ValueError, match="zone"):
        control.ledger.append(check(1), as_of=now.replace(tzinfo=None), now=now)
    assert control.ledger.head().seq == 0


def test_the_head_is_signed_and_checked(control: Control, now: datetime) -> None:
    control.ledger.append_all([check(n) for n in range(3)], as_of=now, now=now)
    anchor = control.ledger.anchor(day=now.date(), sign=lambda message: b"signed:" + message[-4:])
    assert (anchor.seq, anchor.hash) == (3, control.ledger.head().hash)
    control.ledger.append(
        Anchored(head=anchor.seq, head_hash=anchor.hash, stores=("france",), day=now.date()),
        as_of=now,
        now=now,
    )
    ours = control.ledger.verify(
        [anchor], verify_signature=lambda signature, message: signature == b"signed:" + message[-4:]
    )
    assert ours.intact
    assert not control.ledger.verify([anchor], verify_signature=lambda *_: False).intact


def test_an_anchor_set_while_verifying_is_no_false_alarm(control: Control, now: datetime) -> None:
    def late() -> Iterator[Anchor]:
        control.ledger.append(check(1), as_of=now, now=now)
        yield control.ledger.anchor(day=now.date(), sign=lambda message: message)

    assert control.ledger.verify(late()).intact


def test_a_missing_head_is_damage(server: Server, control: Control, url: str, now: datetime) -> None:
    control.ledger.append(check(1), as_of=now, now=now)
    server.run(database_of(url), "DELETE FROM ledger_head")
    with pytest.raises(LedgerDamaged, match="ledger verify"):
        control.ledger.append(check(2), as_of=now, now=now)
    assert not control.ledger.verify().intact
