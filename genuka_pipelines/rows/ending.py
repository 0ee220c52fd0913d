"""Everything that ends a table's rows: its own rules, its category's, and the ends of what they end with.

An order line has no date; a rule that stopped at the table it is written on would keep the lines of
every order that went. Where an application took the order and left its lines, no period can be counted,
for nothing says since when: they end at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.above import Above, above
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import Condition, Predicate, any_of
from genuka_pipelines.systems.column_types import UtcTime

T = TypeVar("T")
R = TypeVar("R")
Verb = Literal["delete", "anonymise", "drop_database"]
ORPHANS = "owner_gone"
"""The name of the ending of rows whose owner vanished without them."""


@dataclass(frozen=True, eq=False)
class Ending:
    """One rule as it reaches a table: `says` puts a condition to the row of the table it is written on.

    `verb` is what becomes of the table's own rows; `ways` are each a first step to the other table and the
    same rule as it reaches the row there; none for the table's own rule. `lost` are the ways up on which the
    row above may have vanished, where that is what ends the row; nothing else is said of it then.
    """

    name: str
    rule: Rule
    owner: str
    verb: Verb
    table: DeclaredTable
    ways: tuple[tuple[Above, Ending], ...] = ()
    lost: tuple[Above, ...] = ()

    @property
    def of_orphans(self) -> bool:
        """Whether the row, or one that it ends with, ends because its owner vanished."""
        return bool(self.lost) or any(beyond.of_orphans for _, beyond in self.ways)

    def says(self, condition: Condition) -> Predicate:
        """What is said of the row of the rule's own table, by any of the ways there."""
        if self.of_orphans:
            return sa.false()
        if not self.ways:
            return condition(self.table)
        return any_of(way.link.every(_told(beyond.says, condition)) for way, beyond in self.ways)

    def over(self, condition: Condition) -> Predicate:
        """The same, where a row above that has gone before this one, as it must, has ended too."""
        if self.lost:
            return any_of(way.lost() for way in self.lost)
        if not self.ways:
            return condition(self.table)
        ended = [way.link.every(_told(beyond.over, condition)) for way, beyond in self.ways]
        return any_of([*ended, *(way.gone() for way, _ in self.ways if way.last)])

    def value(self, expression: Callable[[DeclaredTable], sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """The value of an expression on the row of the rule's own table; by the first way that has one."""
        if self.of_orphans:
            return sa.cast(sa.null(), UtcTime())
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
            if beyond.of_orphans and not way.destroys:
                continue
            same = next((one for one in found if one.rule is beyond.rule and one.verb == verb), None)
            said = ORPHANS if beyond.of_orphans else beyond.rule.name or beyond.rule.clause
            name = f"{beyond.owner}.{said}"
            merged = Ending(name, beyond.rule, beyond.owner, verb, table, (*(same.ways if same else ()), (way, beyond)))
            if same:
                found[found.index(same)] = merged
            else:
                found.append(merged)
    if orphans := _of_orphans(table, [way for way in ways if way.may_lose], passed):
        found.append(orphans)
    named: dict[str, Ending] = {}
    for ending in found:
        name, copies = ending.name, 1
        while name in named:
            copies += 1
            name = f"{ending.name}-{copies}"
        named[name] = ending
    return named


def _of_orphans(table: DeclaredTable, lost: Sequence[Above], passed: frozenset[str]) -> Ending | None:
    """The ending of rows whose owner vanished, by the clause of the first rule that would have ended the owner.

    All its dates went with the owner: a period counted from none of them would never be over.
    """
    above_it = (beyond.rule for way in lost for beyond in endings_of(way.target, passed).values())
    first = next(above_it, None)
    if first is None:
        return None
    at_once: dict[str, Any] = {"name": f"{table.name}_{ORPHANS}", "keep": Period("P0D"), "action": "delete"}
    less: dict[str, Any] = {"otherwise": None, "floor": None, "ceiling": None, "law": None, "deleted_by": None}
    none: dict[str, Any] = {"when": {}, "sooner": {}, "notices": ()}
    rule = first.model_copy(update=at_once | less | none)
    return Ending(ORPHANS, rule, table.name, "delete", table, lost=tuple(lost))


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
