"""Lists what people and tenants deleted in the application, the night they did, not the month it is purged.

A restore in between would bring the row back as if nobody had deleted it. The list is of keyed hashes,
and a person's deletions, which nobody may undo, are told from a tenant's, which it may ask back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Erasure
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.house import House
from genuka_pipelines.rows.moment import anchor_by, anchor_value
from genuka_pipelines.rows.state import in_state
from genuka_pipelines.rows.where import row_text


def list_deletions(
    house: House, system: str, *, as_of: datetime, categories: Collection[str]
) -> tuple[Counter[str], tuple[str, ...]]:
    """List every row that somebody has deleted by `as_of`: how many by origin, and why some could not be read.

    Listing a row again adds nothing. What the rule of such a deletion waits for does not matter here.
    """
    homes = house.databases(system).homes(house.catalog, as_of)
    listed: Counter[str] = Counter()
    unknown = [str(error) for error in homes.unknown.values()]
    for home in (homes.shared, *homes.dedicated.values()):
        for name, declaration in home.declared.items():
            if declaration.key in categories and home.has(name):
                try:
                    listed += _list(house, system, home, name, as_of)
                except GenukaError as error:
                    unknown.append(str(error))
    return listed, tuple(dict.fromkeys(unknown))


def _list(house: House, system: str, home: Home, name: str, as_of: datetime) -> Counter[str]:
    listed: Counter[str] = Counter()
    if any(rule.deleted_by for rule in home.declared[name].category.rules_of(name)):
        deleted = _deleted(house, system, home.table(name), as_of)
        house.control.erasures.record(_counted(deleted, listed))
    return listed


def _counted(deleted: Iterator[Erasure], listed: Counter[str]) -> Iterator[Erasure]:
    for erasure in deleted:
        listed[erasure.origin] += 1
        yield erasure


def _deleted(house: House, system: str, table: DeclaredTable, as_of: datetime) -> Iterator[Erasure]:
    for rule in table.category.rules_of(table.name):
        if rule.deleted_by is None:
            continue
        gone = in_state(table, rule.when) & anchor_by(table, rule.since, as_of)
        query = sa.select(row_text(table).label("text"), anchor_value(table, [rule.since]).label("at")).where(gone)
        for batch in table.home.database.stream(query.select_from(table.sql)):
            for text, at in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if text is not None and at is not None:
                    yield Erasure(
                        row=house.keyring.erasure.hex(text.encode()),
                        table=table.name,
                        system=system,
                        database=table.home.tenant or "",
                        origin=rule.deleted_by,
                        at=at,
                    )
