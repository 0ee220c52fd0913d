"""Looks at a category: rows, the oldest row, what is due, and what nobody declared.

What cannot be looked at is unknown and said to be so: a zero that stood for an unreachable database
would read as a promise kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.count import count_rule, counts_of, earliest
from genuka_pipelines.rows.databases import Databases, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.due import reaches_out, rules_of
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.observation import Observation, Tally
from genuka_pipelines.rows.selection import Hold


def observe(
    catalog: Catalog, key: str, databases: Databases, as_of: datetime, *, holds: Sequence[Hold] = ()
) -> Observation:
    """Look at one category at a moment, in the shared database and in those of tenants that hold it.

    Raises DatabaseUnreachable where the shared database cannot be asked.
    """
    homes = databases.homes(catalog, as_of)
    tally = Tally()
    for name in catalog.categories[key].tables:
        expected = expected_in_dedicated(homes.shared, name)
        _look(homes.shared, name, as_of, holds, tally)
        for home in homes.dedicated.values():
            if expected or home.has(name):
                _look(home, name, as_of, holds, tally)
        for error in homes.unknown.values() if expected else ():
            known = [rule for rule in tally.counts["due"] if rule.startswith(f"{name}.")]
            tally.lose(f"{name}: {error}", known, name)
    return tally.total(key, as_of)


def _look(home: Home, name: str, as_of: datetime, holds: Sequence[Hold], tally: Tally) -> None:
    """Add what one database holds of a table."""
    try:
        table = home.table(name)
        rules = {f"{name}.{word}": rule for word, rule in rules_of(table).items()}
    except GenukaError as error:
        declared = home.declared[name].category.rules_of(name)
        tally.lose(f"{name}: {error}", [f"{name}.{rule.name or rule.clause}" for rule in declared], name)
        return
    seen = home.database.tables()[name]
    tally.columns.setdefault(name, {}).update(seen)
    tally.undeclared.update(dict.fromkeys(f"{name}.{c}" for c in seen if c not in table.table.columns))
    near = {key: rule for key, rule in rules.items() if not reaches_out(table, rule)}
    _read_once(table, near, as_of, holds, tally)
    for key, rule in rules.items():
        if key not in near:
            try:
                _add(tally, key, count_rule(table, rule, as_of, holds).items())
            except GenukaError as error:
                tally.lose(f"{key}: {error}", [key])


def _read_once(
    table: DeclaredTable, rules: dict[str, Rule], as_of: datetime, holds: Sequence[Hold], tally: Tally
) -> None:
    """The table's rows, its oldest row, and the counts of every rule that reads nothing else: one query."""
    asked: dict[tuple[str, str], sa.ColumnElement[Any]] = {("rows", table.name): sa.func.count()}
    for key, rule in rules.items():
        try:
            counts = counts_of(table, rule, as_of, holds)
        except GenukaError as error:
            tally.lose(f"{key}: {error}", [key])
        else:
            asked |= {(of, key): number for of, number in counts.items()}
    if table.category.role == "controller":
        asked |= {("oldest", column): earliest(moment) for column, moment in _born(table).items()}
    query = sa.select(*(expression.label(f"n{n}") for n, expression in enumerate(asked.values())))
    try:
        found = table.home.database.rows(query.select_from(table.sql))[0]
    except GenukaError as error:
        tally.lose(f"{table.name}: {error}", rules, table.name)
        return
    for (of, key), value in zip(asked, found, strict=True):
        if of != "oldest":
            tally.add(of, key, value)
        elif value is not None:
            tally.oldest.append(value)


def _add(tally: Tally, key: str, counts: Iterable[tuple[str, Any]]) -> None:
    for of, number in counts:
        if of in tally.counts:
            tally.add(of, key, number)


def _born(table: DeclaredTable) -> dict[str, sa.ColumnElement[Any]]:
    """The columns that may date a row's beginning: `created_at`, else what its rules count from."""
    if "created_at" in table.sql.c and table.kind("created_at") == "timestamp":
        return {"created_at": Moment(table, "created_at").value()}
    own = [reference for rule in table.table.retention for reference in rule.since.of if "." not in reference]
    return {
        reference: Moment(table, reference).value()
        for reference in dict.fromkeys(own)
        if not reference.startswith("ulid:") and table.kind(reference) in ("timestamp", "date", "integer")
    }
