"""Reads of one row what its rules need: states, moments, flags, by the expressions of the predicates.

All of it is asked in one query, so that an answer is of one instant; and a moment is read as known only
where the predicates count it as known, or a row would be said to end when no sweep would take it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.promise import LAST_MOMENT, Reading
from genuka_pipelines.catalog.rule import LegalMinimum
from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.rows.above import Above
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.ending import Ending
from genuka_pipelines.rows.fate import law_keeps
from genuka_pipelines.rows.link import link
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import Condition, Predicate, any_of, never
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.systems.column_types import as_text

Yes = Callable[[], bool]


class Query:
    """Expressions asked of one row; each gives a function that says its answer once `answers` are there."""

    def __init__(self) -> None:
        self.asked: list[sa.ColumnElement[Any]] = [sa.literal_column("1").label("q0")]
        self.answers: Sequence[Any] = ()

    def ask(self, expression: sa.ColumnElement[Any]) -> Callable[[], Any]:
        """The value of an expression."""
        place = len(self.asked)
        self.asked.append(expression.label(f"q{place}"))
        return lambda: self.answers[place]

    def yes(self, predicate: Predicate) -> Yes:
        """Whether a predicate is true; unknown counts as no."""
        answer = self.ask(sa.case((predicate, 1), else_=0))
        return lambda: bool(answer())


@dataclass(frozen=True, eq=False)
class Path:
    """One way from a row to the row of the table that a rule is written on; no steps for a rule of its own."""

    ending: Ending
    steps: tuple[Above, ...]
    table: DeclaredTable

    def says(self, condition: Condition) -> Predicate:
        """What is said of the row at its end."""
        return _along(self.steps, condition(self.table))

    def value(self, expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """The value of an expression on the row at its end."""
        found = expression(self.table)
        for step in reversed(self.steps):
            found = _carried(step, found)
        return found

    def gone(self) -> Predicate:
        """A row on the way has gone before this one, as it must, and has ended it too; or vanished."""
        if self.ending.of_orphans:
            *before, lost = self.steps
            return _along(before, lost.lost())
        return any_of(_along(self.steps[:n], step.gone()) for n, step in enumerate(self.steps) if step.last)

    @property
    def speaks(self) -> bool:
        """Whether the rule ends another row, and takes from this one only what it says of that one."""
        return not all(step.destroys for step in self.steps)


def paths(ending: Ending) -> Iterator[Path]:
    """Every way by which a rule reaches a table's rows."""
    for way in ending.lost:
        yield Path(ending, (way,), way.target)
    if not ending.ways and not ending.lost:
        yield Path(ending, (), ending.table)
    for way, beyond in ending.ways:
        for path in paths(beyond):
            yield Path(ending, (way, *path.steps), path.table)


def read(query: Query, path: Path, as_of: datetime) -> tuple[Yes, Callable[[], Reading]]:
    """Ask whether a row has anything at the end of a way, and what it says of the rule there."""
    if path.ending.of_orphans:
        lost = query.yes(path.gone())
        return lost, lambda: Reading(path.ending.rule, applies=False, moments={}, flags={}, gone=lost())
    reader = _Reader(query, path)
    there = query.yes(any_of([path.says(lambda _: sa.true()), path.gone()]))
    return there, reader.reading(as_of)


class _Reader:
    def __init__(self, query: Query, path: Path) -> None:
        self.query, self.path, self.rule = query, path, path.ending.rule

    def reading(self, as_of: datetime) -> Callable[[], Reading]:
        rule, ending = self.rule, self.path.ending
        anchors = [rule.since, rule.otherwise, rule.floor and rule.floor.since, rule.law and rule.law.since]
        wanted = [reference for anchor in anchors if anchor for reference in anchor.of]
        flags = {one: self._flag(one) for one in rule.sooner.values() if self._is_flag(one)}
        moments = {one: self._moment(one) for one in wanted}
        first = {one: self._moment(one, event=True) for one in rule.sooner.values() if one not in flags}
        applies = self._says(lambda here: in_state(here, rule.when))
        # the law on a row that this one only speaks of says nothing of this one
        concerned, country = self._law(None if self.path.speaks else rule.law)
        gone = self.query.yes(self.path.gone())
        anonymises = ending.verb == "anonymise"
        left = self.query.yes(not_yet_blank(ending.table) if anonymises else sa.true())
        kept = [_some(way, law_keeps(way.target, as_of, "keep")) for way, _ in ending.ways if anonymises]
        above_kept = self.query.yes(any_of(kept))
        return lambda: Reading(
            rule,
            applies(),
            {reference: moment() for reference, moment in moments.items()},
            {reference: flag() for reference, flag in flags.items()},
            concerned=concerned(),
            country=country(),
            gone=gone(),
            anonymises=anonymises,
            blank=not left(),
            above_kept=above_kept(),
            first={reference: moment() for reference, moment in first.items()},
        )

    def _moment(self, reference: str, *, event: bool = False) -> Callable[[], Any]:
        """A moment that no calendar here can write is the last one that it can."""
        known = self._says(lambda here: Moment(here, reference, or_flag=event).known())
        value = self.path.value(lambda here: Moment(here, reference, or_flag=event).value())
        last = sa.literal(LAST_MOMENT, value.type)
        answer = self.query.ask(sa.case((value > last, last), else_=value))
        return lambda: (answer() or LAST_MOMENT) if known() else None

    def _flag(self, reference: str) -> Yes:
        return self._says(lambda here: Moment(here, reference, or_flag=True).known())

    def _is_flag(self, reference: str) -> bool:
        here = self.path.table
        name, _, column = own_column(reference).rpartition(".")
        return link(here, name or here.name).target.kind(column) == "boolean"

    def _law(self, law: LegalMinimum | None) -> tuple[Yes, Callable[[], str | None]]:
        """Whether there is something the law speaks of, and of which of its countries the row is."""
        if law is None:
            return _no, lambda: None
        there = [self._there(reference) for reference in law.since.of]
        named = law.country
        countries = {country: self._is_of(named, country) for country in law.minimum} if named else {}
        return (
            lambda: any(one() for one in there),
            lambda: next((country for country, is_of in countries.items() if is_of()), None),
        )

    def _there(self, reference: str) -> Yes:
        return self._says(lambda here: Moment(here, reference).there())

    def _is_of(self, reference: str, country: str) -> Yes:
        name, _, column = reference.rpartition(".")

        def named(target: DeclaredTable) -> Predicate:
            return sa.func.upper(as_text(target.column(column))) == country.upper()

        return self._says(lambda here: link(here, name or here.name).every(named))

    def _says(self, condition: Condition) -> Yes:
        return self.query.yes(self.path.says(condition))


def _along(steps: Sequence[Above], said: Predicate) -> Predicate:
    for step in reversed(steps):
        said = _through(step, said)
    return said


def _through(step: Above, said: Predicate) -> Predicate:
    return step.link.every(lambda _: said)


def _carried(step: Above, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return step.link.value(lambda _: value)


def _some(way: Above, law: Predicate) -> Predicate:
    return law if never(law) else way.some(lambda _: law)


def _no() -> bool:
    return False
