"""What anybody may have done to the ledger is found, and the entry is named."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.control import (
    Anchor,
    Control,
    Fault,
    Head,
    LedgerDamaged,
    Planned,
    Verification,
    open_control,
)
from genuka_pipelines.control.canonical import GENESIS, Stored, entry_hash
from genuka_pipelines.control.verification import NAMED, examine
from tests.control.servers import Server, database_of
from tests.control.workers import check

START = datetime(2026, 11, 22, tzinfo=UTC)


def rehash(entry: Stored) -> Stored:
    return entry._replace(hash=entry_hash(entry))


def chain(length: int) -> Iterator[Stored]:
    previous = GENESIS
    for seq in range(1, length + 1):
        body = check(seq)
        at = START + timedelta(seconds=seq)
        entry = rehash(Stored(seq, at, at, body.kind, body.subject, body.canonical(), previous, ""))
        previous = entry.hash
        yield entry


def link(entries: list[Stored], start: int) -> None:
    """Makes the chain fit again from a place on, as a careful forger would."""
    for place in range(start, len(entries)):
        before = entries[place - 1].hash if place else GENESIS
        entries[place] = rehash(entries[place]._replace(previous=before, seq=place + 1))


def sign(message: bytes) -> bytes:
    return message[::-1]


def ours(signature: bytes, message: bytes) -> bool:
    return signature == message[::-1]


def judge(entries: list[Stored], end: Head | None, anchors: list[Anchor]) -> Verification:
    return examine(entries, head=end, open_intents=(), anchors=anchors, verify_signature=ours)


def head_of(entries: list[Stored]) -> Head:
    return Head(entries[-1].seq, entries[-1].hash, None) if entries else Head(0, GENESIS, None)


def anchor_of(entry: Stored) -> Anchor:
    return Anchor(entry.seq, entry.hash, "2026-11-22").signed(sign)


def names(verification: Verification, seq: int) -> bool:
    return any(problem.seq <= seq <= problem.last for problem in verification.problems)


LENGTHS = st.integers(min_value=1, max_value=14)
CHANGES: dict[str, Callable[[Stored], Stored]] = {
    "body": lambda entry: entry._replace(body=entry.body.replace('"passed":', '"passed": ')),
    "at": lambda entry: entry._replace(at=entry.at + timedelta(microseconds=1)),
    "as_of": lambda entry: entry._replace(as_of=entry.as_of - timedelta(days=1)),
    "kind": lambda entry: entry._replace(kind="observation"),
    "subject": lambda entry: entry._replace(subject=entry.subject + "x"),
    "previous": lambda entry: entry._replace(previous="f" * 64),
    "hash": lambda entry: entry._replace(hash="f" * 64),
}


@given(st.integers(min_value=0, max_value=14), st.data())
def test_an_honest_ledger_is_intact(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    anchored = data.draw(st.sets(st.sampled_from(entries))) if entries else set()
    verification = judge(entries, head_of(entries), [anchor_of(entry) for entry in anchored])
    assert (verification.entries, verification.problems, verification.intact) == (length, (), True)


@given(LENGTHS, st.data(), st.sampled_from(sorted(CHANGES)))
def test_one_changed_field_names_that_entry_alone(length: int, data: st.DataObject, what: str) -> None:
    entries = list(chain(length))
    place = data.draw(st.integers(0, length - 1))
    end = head_of(entries)
    entries[place] = CHANGES[what](entries[place])
    verification = judge(entries, end, [])
    assert [(p.seq, p.last, p.what) for p in verification.problems] == [(place + 1, place + 1, Fault.CHANGED)]


@given(LENGTHS, st.data(), st.sampled_from(sorted(set(CHANGES) - {"hash"})))
def test_a_replaced_entry_with_a_fitting_hash_is_named(length: int, data: st.DataObject, what: str) -> None:
    entries = list(chain(length))
    place = data.draw(st.integers(0, length - 1))
    end = head_of(entries)
    entries[place] = rehash(CHANGES[what](entries[place]))
    verification = judge(entries, end, [])
    assert names(verification, place + 1)
    assert verification.found == 1


@given(LENGTHS, st.data())
def test_removed_entries_are_named(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    end = head_of(entries)
    first = data.draw(st.integers(1, length))
    last = data.draw(st.integers(first, length))
    del entries[first - 1 : last]
    verification = judge(entries, end, [])
    expected = Fault.TRUNCATED if last == length else Fault.MISSING
    assert [(p.seq, p.last, p.what) for p in verification.problems] == [(first, last, expected)]


@given(st.integers(min_value=2, max_value=14), st.data())
def test_entries_that_changed_places_are_named(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    end = head_of(entries)
    one, other = sorted(data.draw(st.sets(st.integers(0, length - 1), min_size=2, max_size=2)))
    entries[one], entries[other] = (
        entries[other]._replace(seq=one + 1),
        entries[one]._replace(seq=other + 1),
    )
    verification = judge(entries, end, [])
    assert names(verification, one + 1)
    assert names(verification, other + 1)


@given(LENGTHS, st.data())
def test_an_inserted_entry_is_found(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    end = head_of(entries)
    place = data.draw(st.integers(0, length))
    seq = data.draw(st.sampled_from([place, place + 1]))
    before = entries[place - 1].hash if place else GENESIS
    forged = rehash(entries[0]._replace(seq=seq, previous=before, body='{"forged":1}'))
    entries.insert(place, forged)
    assert not judge(entries, end, []).intact


@given(LENGTHS, st.data())
def test_an_entry_added_past_the_head_is_named(length: int, data: st.DataObject) -> None:
    entries = list(chain(length + 1))
    verification = judge(entries, head_of(entries[:-1]), [])
    assert names(verification, length + 1)


@given(LENGTHS, st.data())
def test_a_shortened_ledger_with_a_fitting_head_is_found_by_its_anchor(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    anchors = [anchor_of(entries[-1]), anchor_of(entries[0])]
    keep = data.draw(st.integers(0, length - 1))
    shortened = entries[:keep]
    verification = judge(shortened, head_of(shortened), anchors)
    assert [(p.seq, p.last, p.what) for p in verification.problems] == [(keep + 1, length, Fault.TRUNCATED)]


@given(LENGTHS, st.data())
def test_a_chain_rewritten_so_that_it_fits_is_found_by_its_anchor(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    place = data.draw(st.integers(0, length - 1))
    anchored = sorted(data.draw(st.sets(st.integers(place, length - 1), min_size=1)) | {0})
    anchors = [anchor_of(entries[at]) for at in anchored]
    entries[place] = CHANGES["body"](entries[place])
    link(entries, place)
    verification = judge(entries, head_of(entries), anchors)
    assert [problem.what for problem in verification.problems] == [Fault.ANCHOR_DIFFERS]
    assert names(verification, place + 1)
    assert judge(entries, head_of(entries), []).intact


@given(LENGTHS, st.data())
def test_an_anchor_that_we_did_not_sign_is_named_and_believed_in_nothing(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    honest = anchor_of(data.draw(st.sampled_from(entries)))
    forged = data.draw(
        st.sampled_from(
            [
                replace(honest, hash="f" * 64),
                replace(honest, signature="00"),
                replace(honest, signature="no hex"),
                replace(honest, seq=99),
            ]
        )
    )
    verification = judge(entries, head_of(entries), [forged])
    assert [(p.seq, p.what) for p in verification.problems] == [(forged.seq, Fault.ANCHOR_FORGED)]


def test_two_stores_that_disagree_are_a_problem() -> None:
    entries = list(chain(3))
    other = Anchor(2, "f" * 64, "2026-11-22").signed(sign)
    assert not judge(entries, head_of(entries), [anchor_of(entries[1]), other]).intact


def test_an_altered_head_or_none_at_all_is_a_problem() -> None:
    entries = list(chain(3))
    assert judge(entries, Head(3, "f" * 64, None), []).problems[0].what is Fault.HEAD_DIFFERS
    assert judge(entries, None, []).problems[0].what is Fault.HEAD_DIFFERS
    assert judge([], None, []).found == 1


def test_intentions_are_recounted() -> None:
    body = Planned(rule="r", table="t", count=1, root="a" * 64)
    planned = rehash(Stored(1, START, START, body.kind, body.subject, body.canonical(), GENESIS, ""))
    end = Head(1, planned.hash, None)
    assert examine([planned], head=end, open_intents={1}).intact
    hidden = examine([planned], head=end, open_intents=())
    assert [(p.seq, p.what) for p in hidden.problems] == [(1, Fault.INTENT_STATE_DIFFERS)]


def test_many_problems_are_counted_and_a_thousand_named() -> None:
    entries = [entry._replace(body="{}") for entry in chain(NAMED + 50)]
    verification = judge(entries, head_of(entries), [])
    assert (len(verification.problems), verification.found) == (NAMED, NAMED + 50)


def test_a_long_ledger_costs_no_memory() -> None:
    def peak(length: int) -> int:
        tracemalloc.start()
        examine(chain(length), head=None, open_intents=())
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(1_500) < peak(150) + 30_000


def test_an_anchor_reads_back_and_nothing_else_is_one() -> None:
    anchor = anchor_of(next(chain(1)))
    assert Anchor.from_bytes(anchor.to_bytes(), "anchors/2026-11-22") == anchor
    assert date.fromisoformat(anchor.day)
    for data in (
        b"",
        b"{}",
        b"[]",
        b'{"seq":1}',
        anchor.to_bytes()[:-9],
        b"\xff",
        anchor.to_bytes().replace(b"seq", b"sex"),
    ):
        with pytest.raises(LedgerDamaged, match="anchors/2026-11-22"):
            Anchor.from_bytes(data, "anchors/2026-11-22")


def test_sentences_name_the_entries() -> None:
    entries = list(chain(5))
    end = head_of(entries)
    del entries[1:3]
    (problem,) = judge(entries, end, []).problems
    assert str(problem) == "entries 2 to 3, each was removed"


UNGUARD = {
    "postgresql": ["SET session_replication_role = replica"],
    "mysql": [
        "SET foreign_key_checks = 0",
        "DROP TRIGGER ledger_entries_update",
        "DROP TRIGGER ledger_entries_delete",
    ],
}
TAMPERINGS = {
    "a changed body": ("UPDATE ledger_entries SET body = '{}' WHERE seq = 4", 4, Fault.CHANGED),
    "a changed subject": ("UPDATE ledger_entries SET subject = 'x' WHERE seq = 4", 4, Fault.CHANGED),
    "a changed date": (
        "UPDATE ledger_entries SET as_of = '2020-01-01 00:00:00' WHERE seq = 4",
        4,
        Fault.CHANGED,
    ),
    "a removed entry": ("DELETE FROM ledger_entries WHERE seq = 4", 4, Fault.MISSING),
    "a cut tail": ("DELETE FROM ledger_entries WHERE seq > 6", 7, Fault.TRUNCATED),
    "an inserted entry": (
        "INSERT INTO ledger_entries SELECT 0, at, as_of, kind, subject, body, previous, hash "
        "FROM ledger_entries WHERE seq = 4",
        0,
        Fault.INSERTED,
    ),
    "a hidden intention": ("DELETE FROM ledger_open_intents", 8, Fault.INTENT_STATE_DIFFERS),
    "an emptied ledger": ("DELETE FROM ledger_entries", 1, Fault.TRUNCATED),
}


def test_a_superuser_is_found(server: Server, now: datetime) -> None:
    for what, (statement, seq, fault) in TAMPERINGS.items():
        url = server.own()
        with open_control(url) as control:
            control.ledger.append_all([check(n) for n in range(7)], as_of=now, now=now)
            control.ledger.intend(Planned(rule="r", table="t", count=1, root="a" * 64), as_of=now, now=now)
            assert control.ledger.verify().intact
            server.run(database_of(url), *UNGUARD[server.dialect], statement)
            verification = control.ledger.verify()
        assert (verification.problems[0].seq, verification.problems[0].what) == (seq, fault), what


def test_a_superuser_who_also_moves_the_head_is_found_by_the_anchor(
    server: Server, own_url: str, now: datetime
) -> None:
    with open_control(own_url) as control:
        _cut_and_move_the_head(server, control, own_url, now)


def _cut_and_move_the_head(server: Server, control: Control, url: str, now: datetime) -> None:
    control.ledger.append_all([check(n) for n in range(7)], as_of=now, now=now)
    anchor = control.ledger.anchor(day=now.date(), sign=sign)
    kept = list(control.ledger.entries())[4]
    server.run(
        database_of(url),
        *UNGUARD[server.dialect],
        "DELETE FROM ledger_entries WHERE seq > 5",
        f"UPDATE ledger_head SET seq = 5, hash = '{kept.hash}'",
    )
    assert control.ledger.verify().intact
    (problem,) = control.ledger.verify([anchor], verify_signature=ours).problems
    assert (problem.seq, problem.last, problem.what) == (6, 7, Fault.TRUNCATED)
