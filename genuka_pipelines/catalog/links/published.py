"""Refuses tables for analysts that could not keep what they promise, before a row is read.

Each rule is one that protects somebody: a table that breaks it would still compute, and look like the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.composition import least_year, of_class
from genuka_pipelines.catalog.lineage import sources, unlinked
from genuka_pipelines.catalog.links.endings import keys_of
from genuka_pipelines.catalog.links.naming import Broken, Found, unknown
from genuka_pipelines.catalog.published import ANALYTICS, MOST_CELLS, NAMED, AnonymisedTable, Every, Privacy
from genuka_pipelines.catalog.staging import WHOLE, Staging
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.catalog.vocabulary import is_quasi_identifier

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog

_NEVER_CHANGES = "created_at"
_DAYS: dict[Every, int] = {"day": 1, "week": 7, "month": 31, "quarter": 92}


def broken_published(catalog: Catalog) -> Iterator[Broken]:
    """Every published table that must not be, then every budget that a year of its tables overdraws."""
    privacy = catalog.privacy
    for key in _files(catalog, "AnonymisedTable"):
        if key != ANALYTICS + key.rsplit("/", 1)[-1]:
            yield key, (), f"a table for analysts is declared in a folder of {ANALYTICS}; this is {key}"
    for name, table in catalog.published.items():
        key = _key_of(catalog, name)
        found = [*_named(name, table), *_declared(catalog, privacy, table)]
        yield from ((key, ("attributes", *at), problem) for at, problem in found)
        if not found and privacy:
            staged = _Staged(catalog, table, privacy)
            yield from ((key, ("attributes", *at), problem) for at, problem in staged.problems())
    for linked in unlinked(catalog):
        yield (
            _key_of(catalog, linked.table),
            ("attributes", "table"),
            f"{linked.why}: browsers are never linked to people; count the two in tables of their own",
        )
    if privacy:
        yield from _privacy(catalog, privacy)


@dataclass(frozen=True)
class _Staged:
    """A published table whose names are all known, beside the staged table that it is made of."""

    catalog: Catalog
    published: AnonymisedTable
    privacy: Privacy

    @property
    def table(self) -> Table:
        return self.catalog.categories[self.published.category].tables[self.published.table]

    @property
    def staging(self) -> Staging:
        assert self.table.staging is not None  # noqa: S101 - `_declared` found it
        return self.table.staging

    def problems(self) -> Iterator[Found]:
        """Every rule that the table breaks."""
        yield from self._unit()
        yield from self._period()
        yield from self._dimensions()
        for name, measure in self.published.measures.items():
            if measure.of:
                yield from self._whole(("measures", name), measure.of, "summed exactly")

    def _unit(self) -> Iterator[Found]:
        published, made = self.published, self.staging.columns[self.published.unit]
        unit = self.privacy.units[published.protects]
        if made.way not in ("pseudonym", "device_day"):
            units = [name for name, one in self.staging.columns.items() if one.way in ("pseudonym", "device_day")]
            yield (
                ("unit",),
                f"'{published.unit}' is staged as {made.way}, and whom a budget protects is a pseudonym or a "
                f"device_day; of this table: {', '.join(units) or 'none, so stage one'}",
            )
        elif self.staging.family != unit.family:
            yield (
                ("protects",),
                f"'{published.protects}' is a class of the family {unit.family}, and '{published.table}' is staged "
                f"as {self.staging.family}; name a class of its family",
            )
        others = {other.protects for other in self.catalog.published.values() if self._same_unit(other)}
        if len(others) > 1 and published.protects != min(others):
            yield (
                ("protects",),
                f"the same units are charged to {' and to '.join(sorted(others))}, and would pay in neither for the "
                "other; charge one class",
            )
        if published.once and not self._once():
            yield (
                ("once",),
                f"once: true says that a unit has rows in one period only, and nothing makes sure of it for "
                f"'{published.unit}' by '{published.period.of}' (its own {_NEVER_CHANGES} would); leave it out, so "
                "that every period is paid for",
            )

    def _same_unit(self, other: AnonymisedTable) -> bool:
        category = self.catalog.categories.get(other.category)
        table = category.tables.get(other.table) if category else None
        if table is None or table.staging is None or other.unit not in table.staging.columns:
            return False
        return _kind_of_unit(table, table.staging, other.unit) == _kind_of_unit(
            self.table, self.staging, self.published.unit
        )

    def _once(self) -> bool:
        """The device's own day; or when the unit's one row, or the parent that the unit names, was created.

        Another date may change, and the unit would count again in the period it moves to.
        """
        unit, period = (self.staging.columns[name] for name in (self.published.unit, self.published.period.of))
        if unit.way == "device_day":
            keyed_by = next((made.of for made in self.staging.columns.values() if made.way == "day"), None)
            return period.of == keyed_by
        parent, _, date = period.of[0].rpartition(".")
        named = unit.of[0] in keys_of(parent) if parent else unit.of == self.table.key
        return named and len(unit.of) == 1 and date == _NEVER_CHANGES

    def _period(self) -> Iterator[Found]:
        published, period = self.published, self.published.period
        way = self.staging.columns[period.of].way
        if way != "day" and not (way == "month" and period.every in ("month", "quarter")):
            fitting = "day" if period.every in ("day", "week") else "day or month"
            yield ("period", "of"), f"'{period.of}' is staged as {way}; a {period.every} is told by a {fitting}"
        keyed = self.privacy.units[published.protects].keyed
        needed = _DAYS[period.every] + published.settles
        if keyed is not None and needed > keyed:
            yield (
                ("period", "every"),
                f"the keys of {published.protects} are gone after {keyed} days, and a {period.every} takes {needed} to "
                "settle, so that its first days would count nobody; release it more often, or sooner",
            )

    def _dimensions(self) -> Iterator[Found]:
        published = self.published
        for name, dimension in published.dimensions.items():
            at, column = ("dimensions", name), dimension.of or name
            made = self.staging.columns[column]
            if made.way in ("pseudonym", "device_day", "day", "month"):
                yield at, f"'{column}' is staged as {made.way}: it points at somebody, and tells no cells apart"
                continue
            if dimension.edges is not None:
                yield from self._whole(at, column, "cut by edges")
            elif made.way in ("copy", "setting", "language"):
                for one in sources(self.catalog, published.category, published.table, made.of):
                    if is_quasi_identifier(one.holds):
                        yield (
                            at,
                            f"'{column}' is {one.holds}, which tells beside little else who somebody is, and tells "
                            "no cells apart; take a coarser column",
                        )
                    elif dimension.private and one.holds.startswith("user.device"):
                        yield at, f"'{column}' is {one.holds}: of a device only listed values are told; give it keys"
        known = [len(self.privacy.keys_of(one)) or len(one.edges or ()) for one in published.dimensions.values()]
        cells = prod(number for number in known if number)
        if cells > MOST_CELLS:
            yield (
                ("dimensions",),
                f"the public keys make {cells} cells, each of them noise where nobody is; at most {MOST_CELLS}: list "
                "fewer keys, or tell one dimension apart in a table of its own",
            )

    def _whole(self, at: tuple[str, ...], column: str, what: str) -> Iterator[Found]:
        way = self.staging.columns[column].way
        if way not in WHOLE:
            yield (
                at,
                f"'{column}' is staged as {way}, which may be a float, and only whole numbers are {what}; stage it as "
                f"{', '.join(WHOLE)}",
            )


def _named(name: str, table: AnonymisedTable) -> Iterator[Found]:
    ending = f"_{NAMED[table.period.every]}"
    if not name.endswith(ending) or not re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name):
        yield (
            ("period", "every"),
            f"a table of every {table.period.every} is called <subject>{ending}, in at most 26 small letters, digits "
            f"and '_'; this one is called {name}",
        )


def _declared(catalog: Catalog, privacy: Privacy | None, table: AnonymisedTable) -> Iterator[Found]:
    """Every name in a table that points nowhere, and a purpose that its data do not serve."""
    if privacy is None:
        yield (), "no budget is declared anywhere; declare the privacy facts in analytics/privacy"
        return
    if problem := unknown(table.protects, "class of units", privacy.units):
        yield ("protects",), problem
    for name, dimension in table.dimensions.items():
        if isinstance(dimension.keys, str) and (problem := unknown(dimension.keys, "list of keys", privacy.keys)):
            yield ("dimensions", name, "keys"), problem
    for index, clause in enumerate(table.clause):
        if problem := unknown(clause, "clause", catalog.clauses):
            yield ("clause", index), problem
    if problem := unknown(table.category, "category", catalog.categories):
        yield ("category",), problem
        return
    tables = catalog.categories[table.category].tables
    staged = {name: one.staging for name, one in tables.items() if one.staging}
    staging = staged.get(table.table)
    if staging is None:
        found = unknown(table.table, "staged table", staged)
        yield ("table",), f"{found}; what analyses may see of a table is declared under its staging"
        return
    if table.purpose != staging.purpose:
        yield (
            ("purpose",),
            f"'{table.table}' is staged for the purpose '{staging.purpose}', and for no other; the policy allows "
            f"'{table.purpose}' no table of it",
        )
    used = [(("unit",), table.unit), (("period", "of"), table.period.of)]
    used += [(("dimensions", name), one.of or name) for name, one in table.dimensions.items()]
    used += [(("measures", name), one.of) for name, one in table.measures.items() if one.of]
    used += [(("when", name), name) for name in table.when]
    for at, column in used:
        if problem := unknown(column, f"staged column of '{table.table}'", staging.columns):
            yield at, problem


def _privacy(catalog: Catalog, privacy: Privacy) -> Iterator[Broken]:
    key = next(iter(_files(catalog, "Privacy")), "")
    for check, clauses in privacy.clauses.items():
        for index, clause in enumerate(clauses):
            if problem := unknown(clause, "clause", catalog.clauses):
                yield key, ("attributes", "clauses", check, index), problem
    for name, unit in privacy.units.items():
        tables = of_class(catalog, name)
        cost = least_year(tables.values(), unit.year.delta)
        if cost > unit.year.epsilon * (1 + 1e-9):
            spent = f"ε = {cost:.3g} at δ = {unit.year.delta:g}" if cost < float("inf") else "a δ it does not have"
            yield (
                key,
                ("attributes", "units", name, "year"),
                f"a year of {', '.join(tables)} costs a unit of '{name}' at least {spent}, and its budget is "
                f"ε = {unit.year.epsilon:g}; lower theirs, release less often, or raise it in the open",
            )


def _kind_of_unit(table: Table, staging: Staging, unit: str) -> tuple[str, ...]:
    """Whom the values of a column are of: a device's day, a tenant, a kind of person, or what it holds."""
    made = staging.columns[unit]
    if made.way != "pseudonym":
        return (made.way,)
    kinds = {column: kind for kind, column in table.subject.items()}
    held = [table.columns[source].holds for source in made.of]
    return tuple(
        kind if kind == "tenant" else kinds.get(source, kind) for source, kind in zip(made.of, held, strict=True)
    )


def _key_of(catalog: Catalog, name: str) -> str:
    return next((key for key in _files(catalog, "AnonymisedTable") if key.rsplit("/", 1)[-1] == name), ANALYTICS + name)


def _files(catalog: Catalog, kind: str) -> tuple[str, ...]:
    return tuple(key for key, file in catalog.files.items() if str(file.content.get("type")).endswith("." + kind))
