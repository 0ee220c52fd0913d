"""What a rule says of a row: its period is over, it has no date, the law still keeps it.

`sooner` events end a period and its floor at once, where the rule applies at all; a missing date
never makes a row due, and is counted apart so that it is not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import LegalMinimum, Rule
from genuka_pipelines.catalog.table import own_column
from genuka_pipelines.rows.declared import DeclaredTable, kept_with
from genuka_pipelines.rows.link import Link, link, linked
from genuka_pipelines.rows.moment import Moment, anchor_by, anchor_known, anchor_value
from genuka_pipelines.rows.path import Predicate, is_not_true
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.systems.column_types import as_text


def rules_of(table: DeclaredTable) -> dict[str, Rule]:
    """Every rule that ends a table's rows, each under a name unique within the table.

    Its own, its category's, and those of the parents it is kept with (`<parent>.<rule>`), as far as its
    rows name theirs.
    """
    found: list[tuple[str, Rule]] = []
    here = table
    for name in kept_with(table.home.declared, table.name):
        if name != table.name:
            up = linked(here, name)
            if up is None:
                break
            here = up.target
        origin = "" if name == table.name else f"{name}."
        for rule in here.category.rules_of(name):
            if all(rule is not other for _, other in found):
                found.append((origin + (rule.name or rule.clause), rule))
    named: dict[str, Rule] = {}
    for wanted, rule in found:
        name, copies = wanted, 1
        while name in named:
            copies += 1
            name = f"{wanted}-{copies}"
        named[name] = rule
    return named


def reaches_out(table: DeclaredTable, rule: Rule) -> bool:
    """Whether a rule reads any other table than the one it ends."""
    return _owner(table, rule) != table.name or any(
        own_column(reference).rpartition(".")[0] not in ("", table.name) for reference in rule.references
    )


def due(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """The period is over, or an event ended it sooner; holds and law are apart from this."""
    return _where_it_is_written(table, rule, lambda here: _due(here, rule, as_of.astimezone(UTC)))


def waiting(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """The rule applies, and no event has ended its period sooner."""
    return _where_it_is_written(table, rule, lambda here: _waiting(here, rule, as_of.astimezone(UTC)))


def dated(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """Of the waiting rows, those of which an end can be computed: its date, and that of its floor, are known.

    The others are *undated*: never due, and counted apart.
    """
    return _where_it_is_written(
        table, rule, lambda here: _waiting(here, rule, as_of.astimezone(UTC)) & _dated(here, rule)
    )


def kept_by_law(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    """A legal minimum of the rule is not over; where its date is missing, neither is it."""
    if rule.law is None:
        return sa.false()
    law = rule.law
    return _where_it_is_written(table, rule, lambda here: _kept_by_law(here, law, as_of.astimezone(UTC)))


def since(table: DeclaredTable, rule: Rule) -> sa.ColumnElement[Any]:
    """The moment from which the period runs, NULL where it is unknown."""
    owner = _owner(table, rule)
    if owner != table.name:
        return _up(table).value(lambda parent: since(parent, rule))
    return anchor_value(table, [rule.since, *([rule.otherwise] if rule.otherwise else [])])


def _where_it_is_written(table: DeclaredTable, rule: Rule, said: Callable[[DeclaredTable], Predicate]) -> Predicate:
    """What is said of the row, or of the row of the parent whose rule it is."""
    if _owner(table, rule) == table.name:
        return said(table)
    return _up(table).every(lambda parent: _where_it_is_written(parent, rule, said))


def _owner(table: DeclaredTable, rule: Rule) -> str:
    chain = {
        name: table.home.declared[name].category.rules_of(name) for name in kept_with(table.home.declared, table.name)
    }
    for same in (lambda one, other: one is other, lambda one, other: one == other):
        for name, rules in chain.items():
            if any(same(rule, other) for other in rules):
                return name
    raise ValueError(f"the rule is none of those of {table.name}")


def _up(table: DeclaredTable) -> Link:
    up = linked(table, str(table.table.kept_with))
    if up is None:
        raise ValueError(f"no row of {table.name} names its parent")
    return up


def _sooner(table: DeclaredTable, rule: Rule, as_of: datetime) -> Predicate:
    triggers = (Moment(table, reference, or_flag=True).by(as_of) for reference in rule.sooner.values())
    return sa.or_(sa.false(), *triggers)


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
