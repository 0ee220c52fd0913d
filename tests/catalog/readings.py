"""Random rules and what a row may say of them, for the tests of the algebra and of its agreement with SQL."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.promise import Reading
from genuka_pipelines.catalog.rule import Rule
from tests.conftest import ROUNDS, SEED

PERIODS = ("P0D", "P1D", "P7D", "P1M", "P3M", "P12M", "P1Y", "P3Y", "P1M1D", "P100Y")
DAYS = [(2024, 2, 29), (2023, 2, 28), (2025, 3, 31), (2025, 4, 30), (2026, 12, 31), (2026, 1, 1), (2025, 7, 15),
        (2026, 3, 29), (2026, 10, 25)]  # fmt: skip
"""Month ends, a leap day, and the nights on which Paris changes its clocks."""
NOWS = st.builds(
    lambda day, hour, micro: datetime(day[0], day[1], day[2], hour, 0, 0, micro, UTC),
    st.sampled_from(DAYS),
    st.sampled_from([0, 1, 12, 23]),
    st.sampled_from([0, 1, 999_999]),
)
_SAME: Mapping[str, int] = {}
STEPS: list[Mapping[str, int]] = [_SAME] * 7 + [
    {"microseconds": 1}, {"microseconds": -1}, {"milliseconds": 1}, {"seconds": -1}, {"seconds": 1},
    {"days": 1}, {"days": -1}, {"days": -3}, {"days": 40},
]  # fmt: skip
LAWS = ({"CM": "P10Y", "FR": "P5Y"}, {"CM": "P1M", "FR": "P30D"}, {"FR": "P1Y"})


def rules(
    columns: tuple[str, ...],
    *,
    when: tuple[Mapping[str, Any], ...],
    sooner: tuple[Mapping[str, str], ...],
    country: str,
    actions: tuple[str, ...] = ("delete",),
) -> list[Rule]:
    """Many rules over the moments in `columns`; a pool is much quicker to draw from than each rule's parts."""
    dice = random.Random(f"{SEED} {columns}")

    def anchor() -> dict[str, Any]:
        return {
            "of": tuple(dice.sample(columns, dice.randint(1, min(3, len(columns))))),
            "pick": dice.choice(["first_known", "latest", "earliest"]),
        }

    def one() -> Rule:
        keep = dice.choice(PERIODS)
        law = {
            "since": anchor(),
            "minimum": dice.choice(LAWS),
            "country": dice.choice([None, country]),
            "meanwhile": dice.choice(["keep", "anonymise"]),
            "basis": "Law 1",
        }
        return Rule.model_validate(
            {
                "keep": keep,
                "since": anchor(),
                "otherwise": dice.choice([None, anchor()]),
                "when": dice.choice(when),
                "sooner": dice.choice(sooner),
                "floor": dice.choice([None, {"keep": dice.choice(PERIODS), "since": anchor()}]),
                "ceiling": dice.choice([None, _lower(dice.choice(PERIODS), keep)]),
                "law": dice.choice([None, law]),
                "action": dice.choice(actions),
                "clause": "SH-01",
            }
        )

    return [one() for _ in range(12 * ROUNDS)]


def _lower(ceiling: str, keep: str) -> str | None:
    """A ceiling that is lower from whatever day it runs: `P31D` is below `P1M` only in some months."""
    low, high = Period(ceiling), Period(keep)
    return ceiling if low.months <= high.months and low.days <= high.days else None


def edges(rule: Rule, now: datetime) -> list[datetime]:
    """The moments at which what a rule says of a row changes."""
    found = [now, rule.period.cutoff(now)]
    found += [rule.floor.keep.cutoff(now)] if rule.floor else []
    return found + ([period.cutoff(now) for period in rule.law.minimum.values()] if rule.law else [])


def near(moments: list[datetime]) -> st.SearchStrategy[datetime]:
    """Moments at the given ones, and a little before and after; none before 1971."""
    earliest = datetime(1971, 1, 2, tzinfo=UTC)
    return st.builds(
        lambda edge, step: max(edge + timedelta(**step), earliest), st.sampled_from(moments), st.sampled_from(STEPS)
    )


_COLUMNS = ("a", "b", "c")
_POOL = rules(_COLUMNS, when=({},), sooner=({}, {"asked": "x"}, {"flagged": "f", "asked": "x"}), country="country")


@st.composite
def readings(draw: st.DrawFn, *, law: bool = True) -> tuple[dict[str, Reading], datetime]:
    """One to three rules, and what a row says of each at a moment."""
    now = draw(NOWS)
    found: dict[str, Reading] = {}
    for name in ("one", "two", "three")[: draw(st.integers(1, 3))]:
        rule = draw(st.sampled_from(_POOL))
        rule = rule if law else rule.model_copy(update={"law": None})
        moment = st.none() | near(edges(rule, now))
        found[name] = Reading(
            rule,
            applies=draw(st.sampled_from([True, True, True, False])),
            moments={reference: draw(moment) for reference in (*_COLUMNS, "x")},
            flags={"f": draw(st.sampled_from([False, False, True]))},
            concerned=draw(st.booleans()),
            country=draw(st.sampled_from([None, "CM", "FR", "US"])),
        )
    return found, now
