"""Whatever the rules and the row: what keeps a row never shortens it, what ends it never lengthens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.catalog.promise import Reading
from genuka_pipelines.catalog.verdict import Below, Held, Verdict, verdict
from tests.catalog.readings import readings
from tests.conftest import ROUNDS

OFTEN = settings(max_examples=ROUNDS + ROUNDS // 5)
FOREVER = datetime.max.replace(tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
CASES = readings()
LATER = st.timedeltas(timedelta(0), timedelta(days=400)) | st.sampled_from([timedelta(0), INSTANT])


def ends(found: Verdict) -> datetime:
    return found.end or FOREVER


@OFTEN
@given(case=CASES, later=LATER)
def test_what_is_due_stays_due_and_what_may_go_may_still_go(
    case: tuple[dict[str, Reading], datetime], later: timedelta
) -> None:
    read, now = case
    today, then = verdict(read, now), verdict(read, now + later)
    assert today.due <= then.due
    assert today.erasable <= then.erasable
    assert {p.rule for p in today.promised if p.undated} >= {p.rule for p in then.promised if p.undated}


@OFTEN
@given(case=CASES)
def test_the_end_is_the_very_instant_from_which_the_row_may_go(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    found = verdict(read, now)
    if found.end is None or found.decided_by.why == "sooner":
        assert found.end is not None or not found.erasable
        return
    assert verdict(read, found.end).erasable
    assert verdict(read, found.end + INSTANT).erasable
    flagged = any(
        reading.applies and reading.flags["f"] and "flagged" in reading.rule.sooner for reading in read.values()
    )
    assert flagged or not verdict(read, found.end - INSTANT).erasable


@OFTEN
@given(case=CASES, lifted=st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=4000)))
def test_a_hold_never_shortens_and_lifting_it_never_resets_the_clock(
    case: tuple[dict[str, Reading], datetime], lifted: timedelta | None
) -> None:
    read, now = case
    bare = verdict(read, now)
    until = None if lifted is None else now + lifted
    held = verdict(read, now, [Held("h", until), Held("spent", now)])
    assert ends(held) >= ends(bare)
    if until is not None and until <= now:
        assert held == bare, "an expired hold binds no more"
    else:
        assert not held.erasable
        assert held.due == bare.due
        assert held.unheld == bare, "what would be, but for the hold, is what was before it"
    assert verdict(read, now, []) == bare


@OFTEN
@given(case=readings(law=False), more=readings(law=False))
def test_another_rule_never_lengthens(
    case: tuple[dict[str, Reading], datetime], more: tuple[dict[str, Reading], datetime]
) -> None:
    read, now = case
    added = {**read, **{f"other {name}": reading for name, reading in more[0].items()}}
    assert ends(verdict(added, now)) <= ends(verdict(read, now))
    assert verdict(added, now).due >= verdict(read, now).due


@OFTEN
@given(case=CASES)
def test_a_ceiling_never_lengthens(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    without = {
        name: replace(reading, rule=reading.rule.model_copy(update={"ceiling": None})) for name, reading in read.items()
    }
    assert ends(verdict(read, now)) <= ends(verdict(without, now))


@OFTEN
@given(case=CASES)
def test_the_law_and_a_floor_never_shorten(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    for what in ("law", "floor"):
        without = {
            name: replace(reading, rule=reading.rule.model_copy(update={what: None})) for name, reading in read.items()
        }
        assert ends(verdict(read, now)) >= ends(verdict(without, now))
        assert verdict(read, now).erasable <= verdict(without, now).erasable


@OFTEN
@given(case=CASES)
def test_an_unknown_country_is_kept_for_the_longest(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    unknown = verdict({name: replace(reading, country=None) for name, reading in read.items()}, now)
    for country in ("CM", "FR"):
        known = verdict({name: replace(reading, country=country) for name, reading in read.items()}, now)
        assert ends(known) <= ends(unknown)
        assert known.kept_by_law <= unknown.kept_by_law


@OFTEN
@given(case=CASES, holds=st.booleans())
def test_a_row_below_that_is_kept_keeps_its_owner(case: tuple[dict[str, Reading], datetime], holds: bool) -> None:
    read, now = case
    bare = verdict(read, now)
    waiting = verdict(read, now, below=Below(holds=(Held("h"),)) if holds else Below(law=True))
    assert ends(waiting) >= ends(bare)
    assert not waiting.erasable
    assert waiting.due == bare.due


@OFTEN
@given(case=CASES)
def test_the_clock_of_the_person_who_asks_changes_nothing(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    paris = ZoneInfo("Europe/Paris")
    there = {
        name: replace(
            reading,
            moments={one: moment and moment.astimezone(paris) for one, moment in reading.moments.items()},
        )
        for name, reading in read.items()
    }
    assert verdict(there, now.astimezone(paris), [Held("h", now.astimezone(paris))]) == verdict(read, now)


@OFTEN
@given(case=CASES)
def test_every_outcome_names_what_decided(case: tuple[dict[str, Reading], datetime]) -> None:
    read, now = case
    found = verdict(read, now)
    by = found.decided_by
    assert (by.clause is None) == (by.why == "no rule applies")
    assert by.clause is None or by.rule in read
    assert (found.end is None) <= (by.why in ("law", "undated", "no rule applies"))
    if by.why == "no rule applies":
        assert not any(reading.applies for reading in read.values())
