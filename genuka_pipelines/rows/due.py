"""What a rule says of a row: its period is over, it has no date, the law still keeps it.

`sooner` events end a period and its floor at once, where the rule applies at all; a missing date
never makes a row due, and is counted apart so that it is not forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import LegalMinimum, Rule
from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.ending import Ending, ending_of, endings_of
from genuka_pipelines.rows.link import link
from genuka_pipelines.rows.moment import Moment, anchor_by, anchor_known, anchor_value
from genuka_pipelines.rows.path import Predicate, any_of, is_not_true
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.systems.column_types import as_text


def rules_of(table: DeclaredTable) -> dict[str, Rule]:
    """Every rule that ends a table's rows, each under a name unique within the table; see `endings_of`."""
    return {name: ending.rule for name, ending in endings_of(table).items()}


def reaches_out(table: DeclaredTable, rule: Rule) -> bool:
    """Whether a rule reads any other table than the one it ends, or another row says when it may."""
    return (
        bool(ending_of(table, rule).ways)
        or any(own_column(reference).rpartition(".")[0] not in ("", table.name) for reference in rule.references)
        or bool(table.table.kept_with or table.table.ends_with)
    )


def due(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """The period is over, or an event ended it sooner; holds and law are apart from this.

    A row that is only to be anonymised, and is, is not due.
    """
    return due_by(ending_of(table, rule), as_of)


def due_by(ending: Ending, as_of: datetime) -> Predicate:
    """`due`, by an ending that was looked up."""
    over = ending.over(lambda here: _due(here, ending.rule, as_of.astimezone(UTC)))
    return over & not_yet_blank(ending.table) if ending.verb == "anonymise" else over


def waiting(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """The rule applies, and no event has ended its period sooner."""
    return ending_of(table, rule).says(lambda here: _waiting(here, rule, as_of.astimezone(UTC)))


def dated(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """Of the waiting rows, those of which an end can be computed: its date, and that of its floor, are known.

    The others are *undated*: never due, and counted apart.
    """
    return ending_of(table, rule).says(lambda here: _waiting(here, rule, as_of.astimezone(UTC)) & _dated(here, rule))


def kept_by_law(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """A legal minimum of the rule is not over; where its date is missing, neither is it."""
    if rule.law is None:
        return sa.false()
    law = rule.law
    return ending_of(table, rule).says(lambda here: _kept_by_law(here, law, as_of.astimezone(UTC)))


def within_minimum(table: DeclaredTable, law: LegalMinimum, as_of: datetime) -> Predicate:
    """A legal minimum that is written on this very table is not over."""
    return _kept_by_law(table, law, as_of.astimezone(UTC))


def since(table: DeclaredTable, rule: Rule) -> sa.ColumnElement[Any]:
    """The moment from which the period runs, NULL where it is unknown."""
    anchors = [rule.since, *([rule.otherwise] if rule.otherwise else [])]
    return ending_of(table, rule).value(lambda here: anchor_value(here, anchors))


def _sooner(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    triggers = (Moment(table, reference, or_flag=True).by(as_of) for reference in rule.sooner.values())
    return any_of(triggers)


def _due(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    cutoff = rule.period.cutoff(as_of)
    over = anchor_by(table, rule.since, cutoff)
    if rule.otherwise:
        unknown = is_not_true(anchor_known(table, rule.since))
        over = over | (unknown & anchor_by(table, rule.otherwise, cutoff))
    if rule.floor:
        over = over & anchor_by(table, rule.floor.since, rule.floor.keep.cutoff(as_of))
    return in_state(table, rule.when) & (over | _sooner(table, rule, as_of))


def _waiting(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    return in_state(table, rule.when) & is_not_true(_sooner(table, rule, as_of))


def _dated(table: DeclaredTable, rule: Rule) -> Predicate:
    anchors = [rule.since, *([rule.otherwise] if rule.otherwise else [])]
    known = sa.or_(*(anchor_known(table, anchor) for anchor in anchors))
    return known & anchor_known(table, rule.floor.since) if rule.floor else known


def _kept_by_law(table: DeclaredTable, law: LegalMinimum, as_of: datetime) -> Predicate:
    cutoffs = {country: period.cutoff(as_of) for country, period in law.minimum.items()}
    longest = anchor_by(table, law.since, min(cutoffs.values()))
    over = longest
    if law.country:
        countries = _countries(table, law.country, list(cutoffs))
        known = sa.or_(*countries.values())
        over = sa.or_(
            is_not_true(known) & longest,
            *(is_it & anchor_by(table, law.since, cutoffs[country]) for country, is_it in countries.items()),
        )
    something = sa.or_(*(Moment(table, reference).there() for reference in law.since.of))
    return something & is_not_true(over)


def _countries(table: DeclaredTable, reference: str, countries: list[str]) -> Mapping[str, Predicate]:
    """By country, that the row is of it; a row of none of them is kept for the longest of their periods."""
    name, _, column = reference.rpartition(".")
    way = link(table, name or table.name)

    def is_in(country: str) -> Predicate:
        return way.every(lambda target: sa.func.upper(as_text(target.column(column))) == country.upper())

    return {country: is_in(country) for country in countries}
