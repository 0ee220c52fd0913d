"""The ledger ends where its own rule says, still verifies, and lets nothing else go."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import psycopg
import pymysql
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.control import Anchor, Control, Fault, LedgerTooYoung, Planned, Pruned, open_control, pruning
from genuka_pipelines.control.beginning import SURELY, Beginning
from genuka_pipelines.control.verification import examine
from tests.catalog.facts import FACTS
from tests.control.servers import Server, database_of
from tests.control.test_verification import UNGUARD, chain, head_of, link, ours, rehash, sign
from tests.control.workers import check

PLANNED = Planned(rule="r", table="t", count=1, root="a" * 64)
REFUSED = (psycopg.Error, pymysql.MySQLError)


def years_ago(now: datetime, years: int) -> datetime:
    return now - relativedelta(years=years)


@pytest.fixture
def aged(control: Control, now: datetime) -> Control:
    """Entries 1 to 6 are seven years old, 7 to 9 six, 10 to 12 four, 13 is new."""
    for years, count in ((7, 6), (6, 3), (4, 3), (0, 1)):
        moment = years_ago(now, years)
        control.ledger.append_all([check(n) for n in range(count)], as_of=moment, now=moment)
    return control


def places(control: Control) -> list[int]:
    return [entry.seq for entry in control.ledger.entries()]


def test_what_is_older_goes_and_the_rest_still_verifies(aged: Control, now: datetime) -> None:
    last_to_go = next(entry for entry in aged.ledger.entries() if entry.seq == 6)
    assert aged.ledger.prune(last_to_go.at, now=now) == 6
    assert places(aged) == list(range(7, 15))
    (said,) = aged.ledger.latest(Pruned)
    assert said.body == Pruned(through=6, last_hash=last_to_go.hash, count=6, before=last_to_go.at.date())
    assert (aged.ledger.verify().intact, aged.ledger.verify().entries) == (True, 8)
    assert aged.ledger.prune(last_to_go.at, now=now) == 0
    assert aged.ledger.head().seq == 14, "when nothing goes, nothing is said"
    assert aged.ledger.prune(years_ago(now, 5), now=now) == 3
    assert places(aged) == list(range(10, 16))
    assert aged.ledger.verify().intact
    aged.ledger.append(check(1), as_of=now, now=now)
    assert aged.ledger.verify().intact


def test_the_microsecond_decides(aged: Control, now: datetime) -> None:
    seven = years_ago(now, 7)
    assert aged.ledger.prune(seven - timedelta(microseconds=1), now=now) == 0
    assert aged.ledger.prune(seven, now=now) == 6


def test_many_go_in_several_transactions(aged: Control, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PAGE", 4)
    assert aged.ledger.prune(years_ago(now, 5), now=now) == 9
    assert [entry.body.count for entry in aged.ledger.entries() if isinstance(entry.body, Pruned)] == [4, 4, 1]
    assert aged.ledger.verify().intact


def test_an_open_intention_and_all_after_it_stay(control: Control, now: datetime) -> None:
    six = years_ago(now, 6)
    control.ledger.append(check(1), as_of=six, now=six)
    done = control.ledger.intend(PLANNED, as_of=six, now=six)
    still_open = control.ledger.intend(PLANNED, as_of=six, now=six)
    control.ledger.outcome(done, count=1, root="a" * 64, as_of=six, now=six)
    assert control.ledger.prune(years_ago(now, 5), now=now) == 2
    assert places(control) == [3, 4, 5]
    assert [intent.seq for intent in control.ledger.open_intents()] == [3]
    assert control.ledger.verify().intact
    control.ledger.outcome(still_open, count=1, root="a" * 64, as_of=now, now=now)
    assert control.ledger.prune(years_ago(now, 5), now=now) == 2
    assert control.ledger.verify().intact


def test_nothing_young_is_removed(aged: Control, now: datetime) -> None:
    for before in (now, years_ago(now, 4), years_ago(now, 5) + timedelta(days=2)):
        with pytest.raises(LedgerTooYoung, match="nothing was removed"):
            aged.ledger.prune(before, now=now)
    # A clock that is set ahead is the ledger's own refusal; the database's clock is not asked nicely.
    with pytest.raises(Exception, match="set the clock"):
        aged.ledger.prune(years_ago(now, 4), now=now + timedelta(days=400))
    assert len(places(aged)) == 13
    with pytest.raises(TypeError):
        aged.ledger.append(Pruned(through=1, last_hash="a" * 64, count=1, before=now.date()), as_of=now, now=now)


def test_the_declared_period_is_the_one_that_binds() -> None:
    table = FACTS.table("control_database", "ledger_entries")
    assert table is not None
    assert [rule.period for rule in table.retention] == [pruning.KEPT]
    longest = datetime(2029, 3, 1).date() - datetime(2024, 3, 1).date()
    assert timedelta(0) < longest - SURELY <= timedelta(days=3)


def test_the_database_lets_nothing_go_that_the_ledger_does_not_say(
    server: Server, aged: Control, url: str, now: datetime
) -> None:
    """Neither before any pruning, nor after one, where only what stayed is left to take."""

    def try_all(oldest: int) -> None:
        for statement in (
            f"DELETE FROM ledger_entries WHERE seq = {oldest}",
            f"DELETE FROM ledger_entries WHERE seq <= {oldest + 1}",
            "DELETE FROM ledger_entries WHERE seq = 10",
            "DELETE FROM ledger_entries",
            f"UPDATE ledger_entries SET kind = 'pruned' WHERE seq = {oldest}",
            "TRUNCATE TABLE ledger_entries",
        ):
            with pytest.raises(REFUSED, match=r"append-only|truncate"):
                server.run(database_of(url), statement)

    try_all(1)
    aged.ledger.prune(years_ago(now, 7), now=now)
    left = places(aged)
    try_all(7)
    aged.ledger.append(check(1), as_of=now, now=now)
    try_all(7)
    assert places(aged) == [*left, 15]
    assert aged.ledger.verify().intact


def test_the_database_itself_looks_at_the_age(
    server: Server, aged: Control, url: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that forgot the five years is stopped by the server, and the whole transaction with it."""
    monkeypatch.setattr("genuka_pipelines.control.ledger.refuse_young", lambda *_: None)
    with pytest.raises(Exception, match=r"lacks a right|refused: error 1644"):
        aged.ledger.prune(years_ago(now, 4), now=now)
    assert len(places(aged)) == aged.ledger.head().seq == 13
    assert aged.ledger.verify().intact


def test_a_pruned_ledger_that_somebody_cut_further_is_found(server: Server, own_url: str, now: datetime) -> None:
    with open_control(own_url) as control:
        for years in (7, 6, 4, 0):
            moment = years_ago(now, years)
            control.ledger.append_all([check(n) for n in range(2)], as_of=moment, now=moment)
        control.ledger.prune(years_ago(now, 7), now=now)
        server.run(database_of(own_url), *UNGUARD[server.dialect], "DELETE FROM ledger_entries WHERE seq <= 4")
        (problem,) = control.ledger.verify().problems
        assert (problem.seq, problem.last, problem.what) == (3, 4, Fault.MISSING)
        again = UNGUARD["postgresql"] if server.dialect == "postgresql" else []
        server.run(database_of(own_url), *again, "DELETE FROM ledger_entries WHERE kind = 'pruned'")
        faults = {(each.seq, each.last, each.what) for each in control.ledger.verify().problems}
        assert faults == {(1, 4, Fault.MISSING), (9, 9, Fault.TRUNCATED)}


LENGTHS = st.integers(min_value=2, max_value=12)


def pruned(length: int, through: int, *, days: int = 0, written: int = 2000) -> tuple[list[object], Beginning]:
    entries = list(chain(length))
    last = entries[through - 1]
    return list(entries[through:]), Beginning(
        through, last.hash, last.at.date() + timedelta(days=days), last.at.date() + timedelta(days=written)
    )


@given(LENGTHS, st.data())
def test_honest_anchors_from_before_and_after_a_pruning_agree(length: int, data: st.DataObject) -> None:
    entries = list(chain(length))
    left, beginning = pruned(length, data.draw(st.integers(1, length - 1)))
    anchored = data.draw(st.sets(st.sampled_from(entries)))
    anchors = [Anchor(each.seq, each.hash, each.at.date().isoformat()).signed(sign) for each in anchored]
    verification = examine(
        left, head=head_of(entries), open_intents=(), anchors=anchors, verify_signature=ours, beginning=beginning
    )
    assert (verification.intact, verification.entries) == (True, len(left))


@given(LENGTHS, st.data())
def test_whatever_is_done_to_what_is_left_is_named(length: int, data: st.DataObject) -> None:
    through = data.draw(st.integers(1, length - 1))
    left, beginning = pruned(length, through)
    place = data.draw(st.integers(0, len(left) - 1))
    end = head_of(left)
    how = data.draw(st.sampled_from(["change", "replace", "remove", "put back", "other beginning"]))
    if how == "change":
        left[place] = left[place]._replace(body="{}")
    elif how == "replace":
        left[place] = rehash(left[place]._replace(previous="f" * 64))
    elif how == "remove":
        del left[place]
    elif how == "put back":
        left.insert(0, list(chain(through))[-1])
        place = -1
    else:
        beginning = Beginning(through, "f" * 64, beginning.before, beginning.written)
        place = 0
    problems = examine(left, head=end, open_intents=(), beginning=beginning).problems
    assert any(each.seq <= through + 1 + place <= each.last for each in problems), problems


@given(LENGTHS, st.data())
def test_a_forged_pruning_of_young_entries_is_found(length: int, data: st.DataObject) -> None:
    """Said to be old, while an anchor knows a younger entry among them; or said when five years were not over."""
    through = data.draw(st.integers(2, length))
    entries = list(chain(length + 1))
    _, claimed = pruned(length + 1, through, days=-400)
    known = entries[data.draw(st.integers(0, through - 2))]
    anchor = Anchor(known.seq, known.hash, known.at.date().isoformat()).signed(sign)
    for beginning, anchors in ((claimed, [anchor]), (pruned(length + 1, through, written=1800)[1], [])):
        problems = examine(
            entries[through:], head=head_of(entries), open_intents=(), anchors=anchors, verify_signature=ours,
            beginning=beginning,
        ).problems  # fmt: skip
        assert [(each.seq, each.last, each.what) for each in problems] == [(1, through, Fault.PRUNED_EARLY)]
        assert "before its time" in str(problems[0])


def test_a_day_without_entries_is_no_false_alarm() -> None:
    entries = list(chain(4))
    left, beginning = pruned(4, 2)
    late = Anchor(2, entries[1].hash, date(2030, 1, 1).isoformat()).signed(sign)
    assert examine(left, head=head_of(entries), open_intents=(), anchors=[late], beginning=beginning).intact


def test_a_chain_linked_to_another_beginning_is_found() -> None:
    left, beginning = pruned(5, 2)
    link_from = [*list(chain(2)), *left]
    link_from[1] = rehash(link_from[1]._replace(body='{"forged":1}'))
    link(link_from, 2)
    problems = examine(link_from[2:], head=head_of(link_from), open_intents=(), beginning=beginning).problems
    assert [each.what for each in problems] == [Fault.REWRITTEN]
