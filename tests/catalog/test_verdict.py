"""The verdict on one row: to the microsecond, at month ends and leap days, and with the clause that decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from genuka_pipelines.catalog.promise import LAST_MOMENT, Reading
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.verdict import Below, Decision, Held, Verdict, verdict

INSTANT = timedelta(microseconds=1)
NOW = datetime(2026, 11, 22, 3, 15, tzinfo=UTC)


def at(year: int, month: int = 1, day: int = 1, *rest: int) -> datetime:
    return datetime(year, month, day, *rest, tzinfo=UTC)


def reading(keep: str, since: datetime | None, **said: Any) -> Reading:
    """A rule of one period, and what a row says of it; `rule` adds to the rule, the rest to the reading."""
    more = said.pop("rule", {})
    rule = Rule.model_validate({"keep": keep, "since": "since", "clause": "SH-01", **more})
    moments = {one: said.pop(one, None) for one in rule.references if one not in ("since", "country")}
    return Reading(rule, said.pop("applies", True), {"since": since, **moments}, said.pop("flags", {}), **said)


def one(found: Reading, as_of: datetime = NOW, **more: Any) -> Verdict:
    return verdict({"it": found}, as_of, **more)


@pytest.mark.parametrize(
    ("keep", "since", "end"),
    [
        ("P1M", at(2026, 1, 31, 9), at(2026, 3, 1)),
        ("P1M", at(2024, 1, 30, 9), at(2024, 3, 1)),
        ("P1M", at(2024, 1, 29, 9), at(2024, 2, 29, 9)),
        ("P1Y", at(2024, 2, 29, 9), at(2025, 3, 1)),
        ("P4Y", at(2024, 2, 29, 9), at(2028, 2, 29, 9)),
        ("P3M", at(2026, 11, 30, 23), at(2027, 3, 1)),
        ("P1D", at(2026, 3, 28, 23, 30), at(2026, 3, 29, 23, 30)),
        ("P0D", at(2026, 3, 28, 9), at(2026, 3, 28, 9)),
        ("P10Y", at(1969, 12, 31), at(1979, 12, 31)),
        ("P1Y", at(2999), at(3000)),
        ("P1Y", at(9999, 6), LAST_MOMENT),
    ],
)
def test_a_period_is_over_at_its_end_and_not_a_microsecond_before(keep: str, since: datetime, end: datetime) -> None:
    found = reading(keep, since)
    assert one(found).end == end
    assert not one(found, end - INSTANT).due
    if end != LAST_MOMENT:
        assert one(found, end).due
        assert one(found, end + INSTANT).due


@pytest.mark.parametrize("night", [datetime(2026, 3, 29), datetime(2026, 10, 25)])
def test_a_night_on_which_paris_changes_its_clocks_is_a_night_like_others(night: datetime) -> None:
    paris = ZoneInfo("Europe/Paris")
    for hour in range(6):
        there = night.replace(hour=hour, tzinfo=paris)
        since, end = there.astimezone(UTC), (there.astimezone(UTC) + timedelta(days=7))
        assert one(reading("P7D", there), there).end == one(reading("P7D", since), since).end == end
        assert one(reading("P7D", there), end.astimezone(paris)).due
        assert not one(reading("P7D", there), (end - INSTANT).astimezone(paris)).due


def test_a_moment_without_a_zone_is_refused() -> None:
    for case in (
        lambda: one(reading("P1M", datetime(2026, 1, 1))),
        lambda: one(reading("P1M", None), datetime(2026, 1, 1)),
    ):
        with pytest.raises(ValueError, match="time zone"):
            case()


def test_a_missing_date_falls_back_as_declared_and_is_said_aloud() -> None:
    fallback = {"otherwise": "made_at"}
    assert one(reading("P1M", None, rule=fallback, made_at=at(2026, 1, 15))).end == at(2026, 2, 15)
    lost = one(reading("P1M", None, rule=fallback))
    assert (lost.end, lost.decided_by) == (None, Decision("undated", "it", "SH-01"))
    assert lost.promised[0].undated
    floor = {"floor": {"keep": "P4M", "since": "used_at"}}
    assert one(reading("P1M", at(2020), rule=floor)).promised[0].undated


def test_sooner_passes_the_period_and_the_floor_but_not_the_law_and_only_in_its_state() -> None:
    rule = {"sooner": {"asked": "asked_at"}, "floor": {"keep": "P4M", "since": "used_at"}}
    asked = reading("P3Y", at(2026, 11, 1), rule=rule, asked_at=NOW, used_at=NOW)
    assert one(asked).erasable
    assert one(asked).decided_by.why == "sooner"
    assert not one(asked, NOW - INSTANT).due
    law = {**rule, "law": {"since": "since", "minimum": {"FR": "P5Y"}, "basis": "Law 1"}}
    kept = one(reading("P3Y", at(2026, 11, 1), rule=law, asked_at=NOW, used_at=NOW, concerned=True))
    assert (kept.due, kept.erasable, kept.end, kept.kept_by_law_until) == (
        True,
        False,
        at(2031, 11, 1),
        at(2031, 11, 1),
    )
    assert not one(reading("P3Y", at(2026), rule=rule, asked_at=NOW, used_at=NOW, applies=False)).due
    lost = reading("P3Y", None, rule=rule, asked_at=NOW + INSTANT)
    assert (one(lost).end, one(lost).promised[0].undated) == (NOW + INSTANT, True)


def test_a_ceiling_lowers_and_a_floor_binds_its_own_rule_only() -> None:
    lower = one(reading("P3Y", at(2025, 3, 4), rule={"ceiling": "P2Y"}))
    assert (lower.end, lower.decided_by.why) == (at(2027, 3, 4), "ceiling")
    floored = reading(
        "P1M", at(2026, 1, 1), rule={"floor": {"keep": "P4M", "since": "used_at"}}, used_at=at(2026, 10, 1)
    )
    assert (one(floored).end, one(floored).decided_by.why) == (at(2027, 2, 1), "floor")
    both = verdict({"floored": floored, "plain": reading("P1M", at(2026, 2, 1))}, NOW)
    assert (both.end, both.decided_by) == (at(2026, 3, 1), Decision("period", "plain", "SH-01"))


def test_the_earliest_promise_binds_and_the_law_of_any_rule_binds_later() -> None:
    law = {"law": {"since": "since", "minimum": {"CM": "P10Y", "FR": "P5Y"}, "country": "country", "basis": "Law 1"}}
    lawful = reading("P8Y", at(2024, 2, 29), rule=law, concerned=True, country="FR")
    found = verdict({"lawful": lawful, "short": reading("P1M", at(2026, 1, 31))}, NOW)
    assert (found.end, found.decided_by) == (at(2029, 3, 1), Decision("law", "lawful", "SH-01"))
    assert found.acting is not None
    assert (found.acting.rule, found.due, found.erasable) == ("short", True, False)
    for country in (None, "US"):
        unknown = reading("P1M", at(2024, 2, 29), rule=law, concerned=True, country=country)
        assert one(unknown).end == at(2034, 3, 1), "the longest, where the country is none of the law's"
    nothing = reading("P1M", at(2024, 2, 29), rule=law, country="FR")
    assert one(nothing).erasable, "there is nothing that the law speaks of"
    dateless = verdict({"lawful": reading("P1M", None, rule={**law, "otherwise": "made_at"}, made_at=at(2020),
                                          concerned=True)}, NOW)  # fmt: skip
    assert (dateless.end, dateless.kept_by_law, dateless.kept_by_law_until) == (None, True, None)


def test_a_hold_keeps_and_its_end_gives_back_the_very_same_end() -> None:
    found = reading("P3Y", at(2024, 3, 4))
    bare = one(found)
    assert one(found, holds=[Held("h", at(2026, 12))]).end == bare.end, "it ends before the promise does"
    later = one(found, holds=[Held("h", at(2028))])
    assert (later.end, later.decided_by, later.unheld) == (at(2028), Decision("hold"), bare)
    several = one(found, holds=[Held("a", at(2028)), Held("b")])
    assert (several.end, [hold.id for hold in several.held_by]) == (None, ["a", "b"])
    assert one(found, holds=[Held("h", NOW)]) == bare
    assert one(found, holds=[Held("h", NOW + INSTANT)]).held_by


def test_a_hold_on_row_and_child_alike_is_lifted_from_both() -> None:
    found = reading("P1M", at(2026))
    held = one(found, holds=[Held("h")], below=Below(holds=(Held("h"),)))
    assert held.unheld is not None
    assert held.unheld.erasable
    other = one(found, holds=[Held("h")], below=Below(holds=(Held("other"),)))
    assert other.unheld is not None
    assert other.unheld.decided_by.why == "below"


def test_a_rule_that_anonymises_ends_no_row_that_another_rule_ends() -> None:
    name = reading("P1M", at(2026), anonymises=True)
    found = verdict({"name": name, "row": reading("P3Y", at(2026))}, NOW)
    assert (found.end, found.due, found.erasable) == (at(2029), True, True)
    done = verdict({"name": reading("P1M", at(2026), anonymises=True, blank=True)}, NOW)
    assert (done.due, done.erasable) == (False, False)
    kept = one(reading("P1M", at(2026), anonymises=True, above_kept=True))
    assert (kept.end, kept.decided_by.why, kept.erasable) == (None, "above", False)
    law = {"law": {"since": "since", "minimum": {"FR": "P5Y"}, "basis": "Law 1", "meanwhile": "anonymise"}}
    mild = one(reading("P1M", at(2026), rule=law, concerned=True, anonymises=True))
    assert (mild.kept_by_law, mild.erasable) == (True, True), "what the law has anonymised may be anonymised"


def test_a_row_whose_owner_went_first_goes_with_it() -> None:
    orphan = reading("P1M", None, applies=False, gone=True)
    assert (one(orphan).due, one(orphan).decided_by.why) == (True, "gone")
    assert one(orphan, holds=[Held("h")]).erasable is False
