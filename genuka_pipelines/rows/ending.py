"""Everything that ends a table's rows: its own rules, its category's, and the ends of what they end with.

An order line has no date; a rule that stopped at the table it is written on would keep the lines of
every order that went.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.above import Above, above
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import Condition, Predicate, any_of

T = TypeVar("T")
R = TypeVar("R")
Verb = Literal["delete", "anonymise", "drop_database"]


@dataclass(frozen=True, eq=False)
class Ending:
    """One rule as it reaches a table: `says` puts a condition to the row of the table it is written on.

    `verb` is what becomes of the table's own rows; `ways` are each a first step to the other table and the
    same rule as it reaches the row there; none for the table's own rule.
    """

    name: str
    rule: Rule
    owner: str
    verb: Verb
    table: DeclaredTable
    ways: tuple[tuple[Above, Ending], ...] = ()

    def says(self, condition: Condition) -> Predicate:
        """What is said of the row of the rule's own table, by any of the ways there."""
        if not self.ways:
            return condition(self.table)
        return any_of(way.link.every(_told(beyond.says, condition)) for way, beyond in self.ways)

    def over(self, condition: Condition) -> Predicate:
        """The same, where a row above that has gone before this one, as it must, has ended too."""
        if not self.ways:
            return condition(self.table)
        ended = [way.link.every(_told(beyond.over, condition)) for way, beyond in self.ways]
        return any_of([*ended, *(way.gone() for way, _ in self.ways if way.last)])

    def value(self, expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """The value of an expression on the row of the rule's own table; by the first way that has one."""
        if not self.ways:
            return expression(self.table)
        found = [way.link.value(_told(beyond.value, expression)) for way, beyond in self.ways]
        return found[0] if len(found) == 1 else sa.type_coerce(sa.func.coalesce(*found), found[0].type)


def endings_of(table: DeclaredTable, passed: frozenset[str] = frozenset()) -> dict[str, Ending]:
    """Every ending of a table's rows, each under a name unique within the table: `<rule>`, `<owner>.<rule>`.

    A rule of a whole category that reaches a row in several ways is listed once, as the row's own.
    """
    found = [
        Ending(rule.name or rule.clause, rule, table.name, rule.action, table)
        for rule in table.category.rules_of(table.name)
    ]
    own = [ending.rule for ending in found]
    passed = passed | {table.name}
    ways = sorted(above(table), key=lambda way: ("kept_with", "delete", "anonymise").index(way.becomes))
    for way in ways:
        if way.target.name in passed:
            continue
        for beyond in endings_of(way.target, passed).values():
            verb: Verb = beyond.verb if way.becomes == "kept_with" else way.becomes
            if any(beyond.rule is rule for rule in own) or (
                way.becomes != "kept_with" and beyond.verb == "drop_database"
            ):
                continue
            same = next((one for one in found if one.rule is beyond.rule and one.verb == verb), None)
            name = f"{beyond.owner}.{beyond.rule.name or beyond.rule.clause}"
            merged = Ending(name, beyond.rule, beyond.owner, verb, table, (*(same.ways if same else ()), (way, beyond)))
            if same:
                found[found.index(same)] = merged
            else:
                found.append(merged)
    named: dict[str, Ending] = {}
    for ending in found:
        name, copies = ending.name, 1
        while name in named:
            copies += 1
            name = f"{ending.name}-{copies}"
        named[name] = ending
    return named


def _told(tell: Callable[[T], R], what: T) -> Callable[[DeclaredTable], R]:
    return lambda _: tell(what)


def ending_of(table: DeclaredTable, rule: Rule) -> Ending:
    """The ending of a rule; ValueError where it is none of the table's."""
    endings = endings_of(table).values()
    for same in (lambda one: one is rule, lambda one: one == rule):
        for ending in endings:
            if same(ending.rule):
                return ending
    raise ValueError(f"the rule is none of those of {table.name}")
