"""What one rule says of one row: until when it promises to keep it, and until when the law does.

Pure arithmetic on what was read of the row. `rows` says the same in SQL, of millions at once; each is
tested against the other, or an explanation could promise what no sweep does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Anchor, Rule

Why = Literal["period", "ceiling", "floor", "sooner", "gone", "undated", "no rule applies"]
Moments = Mapping[str, datetime | None]
"""By reference, as a rule writes it; None is unknown."""
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
"""Stands for every end that no calendar can write, such as that of PostgreSQL's `infinity`."""


@dataclass(frozen=True)
class Reading:
    """What a row says of one rule, at the moment it is asked.

    `applies` says that the row is in the rule's state. `moments` has each reference of the rule's anchors, the
    latest where it reaches several rows. Of the references of `sooner`, one of which is enough, `first` has the
    first moments (`moments` those that it lacks), and `flags` says which of those that hold none are true.
    `concerned` says that there is something its law speaks of (an invoice), and `country` is the one of the
    law's countries that the row is of, None where it is of none. `gone` says that the row whose rule it is has
    gone before this one, as it must.

    `anonymises` says that the rule leaves the row and takes what it says of a person, by its own action or
    because it ends another row that this one speaks of; `blank`, that nothing is left to take; `above_kept`,
    that the law keeps that other row as it is, and its copies with it.
    """

    rule: Rule
    applies: bool
    moments: Moments
    flags: Mapping[str, bool]
    concerned: bool = False
    country: str | None = None
    gone: bool = False
    anonymises: bool = False
    blank: bool = False
    above_kept: bool = False
    first: Moments = field(default_factory=dict)


@dataclass(frozen=True)
class Promise:
    """When one rule ends the row, the law and holds apart.

    `event` is what decided: a trigger's name for `sooner`, else a reference; `since` is its moment, None
    where that is unknown. A flag has no moment, nor has a row that is gone: they end this one whenever asked.
    `due` says that the end is there and something is left to do; `undated`, that a date is missing and
    nothing has ended the period sooner.
    """

    rule: str
    clause: str
    why: Why
    end: datetime | None = None
    event: str | None = None
    since: datetime | None = None
    due: bool = False
    undated: bool = False
    anonymises: bool = False
    blank: bool = False
    above_kept: bool = False


@dataclass(frozen=True)
class Minimum:
    """Until when the law keeps the row; `end` is None, and the period not over, where its date is missing.

    `strict` says that it keeps the row as it is, and not only what is left once it is anonymised.
    """

    rule: str
    clause: str
    period: Period
    country: str | None
    strict: bool
    binding: bool
    end: datetime | None = None
    event: str | None = None


def promise(name: str, reading: Reading, as_of: datetime) -> Promise:
    """The promise of one rule, under the name that its table gives it."""
    rule = reading.rule
    said = Promise(
        name,
        rule.clause,
        "no rule applies",
        anonymises=reading.anonymises,
        blank=reading.anonymises and reading.blank,
        above_kept=reading.above_kept,
    )
    if reading.gone:
        return replace(said, why="gone", end=as_of, due=not said.blank)
    if not reading.applies:
        return said
    counted = _counted(said, reading)
    found = earliest([counted, *_sooner(said, reading, as_of)]) or counted
    over = found.end is not None and found.end <= as_of
    return replace(found, due=over and not said.blank, undated=counted.end is None and not over)


def minimum(name: str, reading: Reading, as_of: datetime) -> Iterator[Minimum]:
    """The legal minimum of one rule, where there is one: of the row's country, or else the longest."""
    law, clause = reading.rule.law, reading.rule.clause
    if law is None or not reading.concerned:
        return
    country = reading.country if reading.country in law.minimum else None
    periods = [law.minimum[country]] if country else list(law.minimum.values())
    strict = law.meanwhile == "keep"
    found = _pick(law.since, reading.moments)
    if found is None:
        longest = max(periods, key=lambda period: _over(period, as_of))
        yield Minimum(name, clause, longest, country, strict, True)
        return
    event, since = found
    longest = max(periods, key=lambda period: _over(period, since))
    end = _over(longest, since)
    yield Minimum(name, clause, longest, country, strict, end > as_of, end, event)


def earliest(promised: Sequence[Promise]) -> Promise | None:
    """The promise that ends first, and the first named of equals; None where none has an end."""
    ended = [(one.end, one) for one in promised if one.end is not None]
    return min(ended, key=lambda found: found[0])[1] if ended else None


def utc(moment: datetime) -> datetime:
    """In UTC, where a day begins at the same hour all the year; ValueError for a moment without its zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return moment.astimezone(UTC)


def _counted(said: Promise, reading: Reading) -> Promise:
    """The end of the period and its floor; undated where the date of either is unknown."""
    rule = reading.rule
    start = _pick(rule.since, reading.moments) or (rule.otherwise and _pick(rule.otherwise, reading.moments))
    if not start:
        return replace(said, why="undated", event=rule.since.of[0])
    event, since = start
    end = _over(rule.period, since)
    why: Why = "ceiling" if rule.ceiling and end < _over(rule.keep, since) else "period"
    if rule.floor:
        bottom = _pick(rule.floor.since, reading.moments)
        if not bottom:
            return replace(said, why="undated", event=rule.floor.since.of[0], since=since)
        lowest = _over(rule.floor.keep, bottom[1])
        if lowest > end:
            return replace(said, why="floor", end=lowest, event=bottom[0], since=bottom[1])
    return replace(said, why=why, end=end, event=event, since=since)


def _sooner(said: Promise, reading: Reading, as_of: datetime) -> Iterator[Promise]:
    for trigger, reference in reading.rule.sooner.items():
        if reference in reading.flags:
            if reading.flags[reference]:
                yield replace(said, why="sooner", end=as_of, event=trigger)
            continue
        moment = reading.first[reference] if reference in reading.first else reading.moments[reference]
        if moment is not None:
            yield replace(said, why="sooner", end=utc(moment), event=trigger, since=utc(moment))


def _pick(anchor: Anchor, moments: Moments) -> tuple[str, datetime] | None:
    """The reference that the anchor goes by, and its moment; None where none is known."""
    known = [(reference, utc(moment)) for reference in anchor.of if (moment := moments[reference]) is not None]
    if not known or anchor.pick == "first_known":
        return known[0] if known else None
    return (max if anchor.pick == "latest" else min)(known, key=lambda found: found[1])


def _over(period: Period, since: datetime) -> datetime:
    try:
        return period.end(since)
    except (OverflowError, ValueError):
        return LAST_MOMENT
