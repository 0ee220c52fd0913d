"""What a row ends with: the row it is kept with, and each row that it names in a column of `ends_with`.

A hold, a legal minimum and an end all travel along these ways; read in two places, a held customer
would keep the customer and lose the orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from genuka_pipelines.catalog.links.endings import keys_of
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.table import Table, own_column
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.errors import NoWayBetween
from genuka_pipelines.rows.link import Link, Naming, carries_tenant, named_after, naming, through_tenant
from genuka_pipelines.rows.path import (
    Condition,
    Predicate,
    any_of,
    named_by,
    never,
    of_tenants,
    owners_of,
    parent,
    row_in,
)
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.systems.column_types import Query

Becomes = Literal["kept_with", "delete", "anonymise"]


@dataclass(frozen=True, eq=False)
class Above:
    """One way to such a row: `becomes` says what its end is to the row below; `link` leads there.

    `naming` is None where the two have nothing but their tenant in common.
    """

    table: DeclaredTable
    target: DeclaredTable
    becomes: Becomes
    naming: Naming | None
    link: Link

    @property
    def destroys(self) -> bool:
        """Whether the row below goes when the row above goes."""
        return self.becomes != "anonymise"

    @property
    def last(self) -> bool:
        """Whether the row below goes after the row above, whose rule reads its date in it."""
        return self.becomes == "kept_with" and self.naming is not None and bool(reading(self.target, self.table.name))

    @property
    def may_lose(self) -> bool:
        """Whether the row above may vanish and leave the row below; not where a foreign key of the server forbids it.

        Nor by a way on which the row below goes last, for there that is how a sweep goes about it.
        """
        if self.naming is None or not self.destroys or self.last or self._kept_elsewhere:
            return False
        link = (self.table.name, (self.naming.column,), self.target.name, (self.naming.key,))
        return link not in _guarded(self.table.home)

    @property
    def _kept_elsewhere(self) -> bool:
        """A tenant's own database may have an empty copy of a register; only that of the shared one counts."""
        home = self.table.home
        return home.tenant is not None and self.target.name in home.registers

    def gone(self) -> Predicate:
        """The row names a row above that is no more."""
        if self.naming is None or self._kept_elsewhere:
            return sa.false()
        own, kinds = self.table.column(self.naming.column), self.naming.kinds
        # Asked of the row itself in there as well: else MariaDB first copies every key of the table above.
        lost = own.is_not(None) & ~row_in(own, self.target, self.naming.key, lambda _: own.is_not(None))
        return lost if kinds is None else kinds & lost

    def lost(self) -> Predicate:
        """The same, where the table above has any row: an empty one may be being restored, and says nothing."""
        other = self.target.aliased().sql
        any_row: Query = sa.select(sa.literal_column("1")).select_from(other)
        return self.gone() & any_row.correlate_except(other).exists()

    def left(self, below: DeclaredTable) -> Predicate:
        """The row below still has to go, or still says something."""
        return sa.true() if self.destroys else not_yet_blank(below)

    def some(self, condition: Condition) -> Predicate:
        """The row has a row above that satisfies a condition."""
        if self.naming is not None:
            return self.link.every(condition)
        column = str(carries_tenant(self.table, self.target))
        return of_tenants(self.table, lambda tenant: row_in(tenant, self.target, column, condition))

    def below(self, target: DeclaredTable, condition: Condition) -> Predicate:
        """A row of `target` has a row of the table below it that satisfies a condition."""
        if self.naming is not None:
            named = self.naming.names(target)
        else:
            key = target.column(str(carries_tenant(self.table, self.target)))
            named = of_tenants(self.table, lambda tenant: _alike(target, key, tenant))
        found: Query = sa.select(sa.literal_column("1")).select_from(self.table.sql).where(named, condition(self.table))
        return found.correlate_except(self.table.sql).exists()


def above(table: DeclaredTable) -> Iterator[Above]:
    """Every way up from a table, within one database; none to itself."""
    declared: Table = table.table
    known = table.home.declared
    if declared.kept_with in known and table.home.has(str(declared.kept_with)):
        target = parent(table, str(declared.kept_with))
        found = naming(table, target)
        link = found.link() if found else through_tenant(table, target)
        if link is not None:
            yield Above(table, target, "kept_with", found, link)
    for column, becomes in declared.ends_with.items():
        for named in _named(table, column):
            if named.target.name != table.name:
                yield Above(table, named.target, becomes, named, named.link())


def along(
    table: DeclaredTable, passed: frozenset[str], said: Callable[[Above, frozenset[str]], Predicate]
) -> Iterator[Predicate]:
    """What is said of the rows above, each table once on the way (`passed` are behind us)."""
    seen = passed | {table.name}
    for way in above(table):
        if way.target.name not in seen:
            inner = said(way, seen)
            if not never(inner):
                yield way.some(lambda _, inner=inner: inner)  # type: ignore[misc]


@dataclass(frozen=True, eq=False)
class Reader:
    """Rows whose rule reads its date in rows of another table, which therefore go after them."""

    table: DeclaredTable
    rules: tuple[Rule, ...]
    destroys: bool = True

    def below(self, target: DeclaredTable, condition: Condition) -> Predicate:
        """A row of `target` is read by a row that satisfies a condition."""
        found: Query = sa.select(sa.literal_column("1")).select_from(self.table.sql)
        found = found.where(_reached(self.table, target), condition(self.table))
        return found.correlate_except(self.table.sql).exists()

    def left(self, below: DeclaredTable) -> Predicate:
        """The rule applies to the row that reads."""
        return any_of(in_state(below, rule.when) for rule in self.rules)


def dependents(home: Home, name: str) -> Iterator[Above | Reader]:
    """Every way down to rows that must go before rows of a table, each on an alias of its own."""
    for other in _outline(home).below[name]:
        if not home.has(other):
            continue
        if name in ends_with(home, other):
            ways = above(home.table(other).aliased())
            yield from (way for way in ways if way.target.name == name and not way.last)
        if rules := _reading(home, other, name):
            yield Reader(home.table(other).aliased(), rules)


def law_at_or_above(home: Home, name: str) -> bool:
    """Whether the facts know a legal minimum that could keep rows of a table: its own, or one that it goes with."""
    return name in _outline(home).within_law


def law_below(home: Home, name: str) -> bool:
    """Whether a legal minimum could keep rows that must go before rows of a table."""
    outline = _outline(home)
    return not outline.within_law.isdisjoint(_beyond({name}, outline.below) - {name})


def all_below(home: Home, names: Iterable[str]) -> frozenset[str]:
    """Tables, and every table whose rows may go with rows of theirs, as the facts alone say."""
    return frozenset(_beyond(set(names), _outline(home).below))


@dataclass(frozen=True)
class _Outline:
    """What the facts alone say of every table: which must go before it, and which the law may keep."""

    below: Mapping[str, tuple[str, ...]]
    within_law: frozenset[str]


_Constraint = tuple[str, tuple[str, ...], str, tuple[str, ...]]
_GUARDED: WeakKeyDictionary[Home, frozenset[_Constraint]] = WeakKeyDictionary()
"""The foreign keys that the server keeps: child, columns, parent, keys; asked once for each look at a database."""


def _guarded(home: Home) -> frozenset[_Constraint]:
    found = _GUARDED.get(home)
    if found is None:
        links = home.database.links()
        found = _GUARDED[home] = frozenset((one.child, one.columns, one.parent, one.keys) for one in links)
    return found


_OUTLINES: WeakKeyDictionary[Home, _Outline] = WeakKeyDictionary()
"""Fifty tables ask the same of each other at every line; so it is worked out once for each look at a database."""


def _outline(home: Home) -> _Outline:
    found = _OUTLINES.get(home)
    if found is None:
        tops = {name: ends_with(home, name) for name in home.declared}
        below = {
            name: tuple(o for o in home.declared if o != name and (name in tops[o] or _reading(home, o, name)))
            for name in home.declared
        }
        laws = {name for name, one in home.declared.items() if any(rule.law for rule in one.category.rules_of(name))}
        with_them = {name: [other for other in home.declared if name in tops[other]] for name in home.declared}
        found = _OUTLINES[home] = _Outline(below, frozenset(_beyond(laws, with_them)))
    return found


def _beyond(names: set[str], ways: Mapping[str, Sequence[str]]) -> set[str]:
    """The names and all that can be reached from them."""
    found, following = set(names), list(names)
    while following:
        for name in ways[following.pop()]:
            if name not in found:
                found.add(name)
                following.append(name)
    return found


def ends_with(home: Home, name: str) -> set[str]:
    """The tables with whose rows a table's rows are declared to end; asked of the facts alone."""
    table = home.declared[name].category.tables[name]
    found = {table.kept_with} if table.kept_with else set()
    path = table.tenant
    for column in table.ends_with:
        owned = table.references.get(column)
        if owned is not None:
            found |= set(owned.owners.values())
        elif path and path.column == column and (path.owners or path.parent):
            found |= {*path.owners.values(), *([path.parent] if path.parent else [])}
        else:
            found |= {other for other in home.declared if column in keys_of(other)}
    return found - {name}


def reading(table: DeclaredTable, other: str) -> tuple[Rule, ...]:
    """The rules written on a table that count from a date in another, which is lost with its row."""
    return _reading(table.home, table.name, other)


def _reading(home: Home, name: str, other: str) -> tuple[Rule, ...]:
    found = []
    for rule in home.declared[name].category.rules_of(name):
        anchors = [rule.since, rule.otherwise, rule.floor and rule.floor.since]
        references = [own_column(reference) for anchor in anchors if anchor for reference in anchor.of]
        if any(reference.startswith(f"{other}.") for reference in references):
            found.append(rule)
    return tuple(found)


def _reached(table: DeclaredTable, target: DeclaredTable) -> Predicate:
    """A row reads a row of the target, by the way that `link` takes."""
    if named := naming(table, target):
        return named.names(target)
    column = named_after(table.name, target)
    if column is not None and len(table.table.key) == 1:
        return _alike(table, table.column(table.table.key[0]), target.column(column))
    tenant = carries_tenant(table, target)
    if tenant is None:
        raise NoWayBetween(table.name, target.name)
    return of_tenants(table, lambda own: _alike(table, target.column(tenant), own))


def _named(table: DeclaredTable, column: str) -> Iterator[Naming]:
    """What the rows of a table name in a column: polymorphic owners, a parent, or `<singular>_id`."""
    path, owned = table.table.tenant, table.table.references.get(column)
    if owned is not None:
        for kinds, target in named_by(table, owned.kind, owned.owners):
            yield Naming(table, target, column, target.table.key[0], kinds)
    elif path and path.column == column and path.owners:
        for kinds, target in owners_of(table):
            yield Naming(table, target, column, path.key, kinds)
    elif path and path.column == column and path.parent:
        if table.home.has(path.parent):
            yield Naming(table, parent(table, path.parent), column, path.key)
    else:
        for name, declaration in table.home.declared.items():
            keys = declaration.category.tables[name].key
            if named_after(name, table) == column and len(keys) == 1 and table.home.has(name):
                yield Naming(table, parent(table, name), column, keys[0])
                return


def _alike(target: DeclaredTable, key: sa.ColumnElement[object], tenant: sa.ColumnElement[object]) -> Predicate:
    mine, theirs = target.home.database.dialect.alike(key, tenant)
    return theirs == mine
