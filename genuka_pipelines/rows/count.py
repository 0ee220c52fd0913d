"""Counts what a selection would touch: the one place where a plan's numbers come from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.databases import Databases, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.due import dated, due, kept_by_law, rules_of, since, waiting
from genuka_pipelines.rows.path import Predicate, is_not_true
from genuka_pipelines.rows.plan import Plan, PlanLine
from genuka_pipelines.rows.selection import Due, Hold, Selection
from genuka_pipelines.rows.where import by_law, held, where
from genuka_pipelines.systems.column_types import UtcTime


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
        rules: dict[str, Rule] = rules_of(table) if isinstance(selection, Due) else {}
    except GenukaError as error:
        return [_unknown(key, name, home.tenant, error)]
    if not isinstance(selection, Due):
        return [_line(table, None, None, selection, as_of, holds)]
    return [
        _line(table, word, rule, Due(rule, selection.as_of), as_of, holds)
        for word, rule in rules.items()
        if selection.rule is None or selection.rule == rule
    ]


def _line(
    table: DeclaredTable,
    word: str | None,
    rule: Rule | None,
    selection: Selection,
    as_of: datetime,
    holds: Sequence[Hold],
) -> PlanLine:
    key, home = table.home.declared[table.name].key, table.home
    line = PlanLine(
        category=key,
        table=table.name,
        rule=word,
        clause=rule.clause if rule else None,
        action=rule.action if rule else "delete",
        database=home.tenant,
        due=None,
    )
    try:
        if rule:
            return replace(line, **count_rule(table, rule, as_of, holds, oldest=True))
        return replace(line, **_counted(table, where(selection, table), _kept(selection, table, as_of, holds)))
    except GenukaError as error:
        return replace(line, unknown=str(error))


def count_rule(
    table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold], *, oldest: bool = False
) -> dict[str, Any]:
    """`due`, `held`, `kept_by_law` and `undated` of one rule, by queries that can use its indexes."""
    kept = _kept(Due(rule, as_of), table, as_of, holds)
    asked = {**kept, "oldest": earliest(since(table, rule))} if oldest else kept
    found = _counted(table, due(table, rule, as_of), asked)
    # A difference of two counts: the server can join for what is known, and only look up for what is not.
    some, all_ = (_counted(table, rows(table, rule, as_of), {})["due"] for rows in (dated, waiting))
    return {**found, "undated": all_ - some}


def counts_of(
    table: DeclaredTable, rule: Rule, as_of: datetime, holds: Sequence[Hold]
) -> dict[str, sa.ColumnElement[int]]:
    """The same counts as expressions, for one query over the whole table."""
    over, kept = due(table, rule, as_of), held(table, holds)
    return {
        "due": _counting(over),
        "held": _counting(over & kept),
        "kept_by_law": _counting(over & kept_by_law(table, rule, as_of) & is_not_true(kept)),
        "undated": _counting(waiting(table, rule, as_of) & is_not_true(dated(table, rule, as_of))),
    }


def earliest(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The first of the moments read, as aware UTC."""
    return sa.type_coerce(sa.func.min(moment), moment.type if isinstance(moment.type, UtcTime) else UtcTime())


def _kept(
    selection: Selection, table: DeclaredTable, as_of: datetime, holds: Sequence[Hold]
) -> dict[str, sa.ColumnElement[Any]]:
    kept = held(table, holds)
    law = by_law(selection, table, as_of) & is_not_true(kept)
    return {"held": _counting(kept), "kept_by_law": _counting(law)}


def _counted(table: DeclaredTable, selected: Predicate, asked: dict[str, sa.ColumnElement[Any]]) -> dict[str, Any]:
    """The number of selected rows as `due`, and what else is asked of them."""
    counts = [sa.func.count().label("due"), *(number.label(name) for name, number in asked.items())]
    return table.home.database.rows(sa.select(*counts).select_from(table.sql).where(selected))[0]._asdict()


def _counting(predicate: Predicate) -> sa.ColumnElement[int]:
    return sa.func.count(sa.case((predicate, 1)))


def _unknown(key: str, table: str, tenant: str | None, error: GenukaError) -> PlanLine:
    return PlanLine(key, table, None, None, "delete", tenant, None, unknown=str(error))
