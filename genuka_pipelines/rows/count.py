"""Counts what a selection would touch: the one place where a plan's numbers come from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.databases import Databases, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.due import dated, since, waiting
from genuka_pipelines.rows.fate import Fate, fates
from genuka_pipelines.rows.path import Predicate, is_not_true, never
from genuka_pipelines.rows.plan import Plan, PlanLine
from genuka_pipelines.rows.selection import Due, Hold, Selection
from genuka_pipelines.systems.column_types import Query, UtcTime

NOTHING_DUE: Mapping[str, Any] = {"due": 0, "held": 0, "kept_by_law": 0, "waiting": 0, "anonymise": 0}


def plan(
    selection: Selection,
    catalog: Catalog,
    databases: Databases,
    *,
    as_of: datetime,
    holds: Sequence[Hold] = (),
    categories: Collection[str] | None = None,
) -> Plan:
    """The plan of a selection over every table of a system, or of some of its categories.

    `Due(None, as_of)` gives a line for each rule of each table; other selections one for each table.
    """
    homes = databases.homes(catalog, as_of)
    lines: list[PlanLine] = []
    for name, declaration in homes.shared.declared.items():
        if categories is not None and declaration.key not in categories:
            continue
        lines += _lines(homes.shared, name, selection, as_of, holds)
        for home in homes.dedicated.values():
            if home.has(name) or expected_in_dedicated(homes.shared, name):
                lines += _lines(home, name, selection, as_of, holds)
        if expected_in_dedicated(homes.shared, name):
            for tenant, error in homes.unknown.items():
                lines.append(_unknown(declaration.key, name, tenant, error))
    return Plan(as_of, tuple(lines))


def _lines(home: Home, name: str, selection: Selection, as_of: datetime, holds: Sequence[Hold]) -> list[PlanLine]:
    key = home.declared[name].key
    try:
        table = home.table(name)
        found = list(fates(selection, table, as_of=as_of, holds=holds))
    except GenukaError as error:
        return [_unknown(key, name, home.tenant, error)]
    due = _due_of_each(table, found)
    return [_line(table, fate, due[place]) for place, fate in enumerate(found)]


def _due_of_each(table: DeclaredTable, found: Sequence[Fate]) -> Sequence[int | None]:
    """The due rows of every line of a table, in one statement; None for each where any of them fails."""
    if not found:
        return ()
    each = [_number_of(table, fate.due).label(f"n{place}") for place, fate in enumerate(found)]
    try:
        return tuple(table.home.database.rows(sa.select(*each))[0])
    except GenukaError:
        # Asked again one by one, so that a line which can be counted is.
        return [None] * len(found)


def _line(table: DeclaredTable, fate: Fate, due: int | None) -> PlanLine:
    key, home, rule = table.home.declared[table.name].key, table.home, fate.rule
    line = PlanLine(
        category=key,
        table=table.name,
        rule=fate.name,
        clause=rule.clause if rule else None,
        action=fate.verb,
        database=home.tenant,
        due=None,
    )
    try:
        if due == 0:
            return replace(line, **NOTHING_DUE)
        oldest = {} if rule is None else {"oldest": earliest(since(table, rule))}
        return replace(line, **_counted(table, fate.due, {**_kept(fate), **oldest}))
    except GenukaError as error:
        return replace(line, unknown=str(error))


def any_due(table: DeclaredTable, fate: Fate) -> bool:
    """Whether a line has a due row."""
    one: Query = sa.select(sa.literal_column("1")).select_from(table.sql).where(fate.due).limit(1)
    return table.home.database.scalar(one) is not None


def count_fate(table: DeclaredTable, fate: Fate) -> dict[str, Any]:
    """`due`, `held`, `kept_by_law`, `waiting` and `anonymise` of one line, asked where any is due."""
    return _counted(table, fate.due, _kept(fate)) if any_due(table, fate) else dict(NOTHING_DUE)


def count_left(table: DeclaredTable, fate: Fate) -> dict[str, Any]:
    """The same after the line was worked on.

    A server that still believes in as many due rows as before looks for one of them from the first page to the last.
    """
    left = table.home.database.scalar(sa.select(_number_of(table, fate.due)))
    return _counted(table, fate.due, _kept(fate)) if left else dict(NOTHING_DUE)


def count_rule(table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold]) -> dict[str, Any]:
    """The counts of a line and its `undated` rows, by queries that can use its indexes."""
    found = count_fate(table, _fate_of(table, rule, as_of, holds))
    # A difference of two counts: the server can join for what is known, and only look up for what is not.
    some, all_ = (_number_of(table, rows(table, rule, as_of)) for rows in (dated, waiting))
    return {**found, "undated": table.home.database.scalar(sa.select(all_ - some))}


def counts_of(
    table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold]
) -> dict[str, sa.ColumnElement[int]]:
    """The same counts as expressions, for one query over the whole table."""
    fate = _fate_of(table, rule, as_of, holds)
    undated = waiting(table, rule, as_of) & is_not_true(dated(table, rule, as_of))
    return {
        "due": _counting(fate.due),
        "held": _counting(fate.due & fate.held),
        "kept_by_law": _counting(fate.due & fate.by_law),
        "undated": _counting(undated),
    }


def _fate_of(table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold]) -> Fate:
    return next(fates(Due(rule, as_of), table, as_of=as_of, holds=holds))


def earliest(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The first of the moments read, as aware UTC."""
    return sa.type_coerce(sa.func.min(moment), moment.type if isinstance(moment.type, UtcTime) else UtcTime())


def _kept(fate: Fate) -> dict[str, sa.ColumnElement[Any]]:
    kinds = {"held": fate.held, "kept_by_law": fate.by_law, "waiting": fate.waits, "anonymise": fate.anonymised}
    return {name: _counting(kind) for name, kind in kinds.items()}


def _counted(table: DeclaredTable, selected: Predicate, asked: dict[str, sa.ColumnElement[Any]]) -> dict[str, Any]:
    """The number of selected rows as `due`, and what else is asked of them."""
    counts = [sa.func.count().label("due"), *(number.label(name) for name, number in asked.items())]
    return table.home.database.rows(sa.select(*counts).select_from(table.sql).where(selected))[0]._asdict()


def _number_of(table: DeclaredTable, rows: Predicate) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(table.sql).where(rows).scalar_subquery()


def _counting(predicate: Predicate) -> sa.ColumnElement[int]:
    if never(predicate):
        return sa.literal_column("0", sa.Integer)
    return sa.func.count(sa.case((predicate, 1)))


def _unknown(key: str, table: str, tenant: str | None, error: GenukaError) -> PlanLine:
    return PlanLine(key, table, None, None, "delete", tenant, None, unknown=str(error))
