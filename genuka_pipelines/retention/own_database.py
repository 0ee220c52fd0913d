"""Looks into a tenant's own database before it is dropped: whose it is, when it was last written, what is left.

An address is one setting among many; a DROP at a wrong one would destroy everything of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.retention.errors import NothingToDrop, NotItsOwn
from genuka_pipelines.rows.databases import Homes, expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import Predicate, is_not_true
from genuka_pipelines.systems.column_types import Query, as_text
from genuka_pipelines.systems.dropping import identity


@dataclass(frozen=True)
class OwnDatabase:
    """The database of one tenant, and the tables in it that hold its content."""

    home: Home
    tables: tuple[DeclaredTable, ...]

    @property
    def categories(self) -> frozenset[str]:
        """The categories of its tables."""
        return frozenset(self.home.declared[table.name].key for table in self.tables)

    def written_after(self, moment: datetime) -> bool:
        """Whether any row was made later, by the time inside its key, which the server made."""
        return any(_some(table, later) for table, later in self._later(moment))

    def anything_left(self) -> bool:
        """Whether a single row is left in any of its tables."""
        return any(_some(table, sa.true()) for table in self.tables)

    def _later(self, moment: datetime) -> Iterator[tuple[DeclaredTable, Predicate]]:
        for table in self.tables:
            key = table.table.key
            if len(key) == 1 and table.kind(key[0]) == "text":
                made = Moment(table, f"ulid:{key[0]}")
                yield table, made.known() & is_not_true(made.by(moment))

    def refuse_others(self, homes: Homes) -> None:
        """NotItsOwn unless it is neither the shared one, nor another tenant's, nor holds another's rows."""
        tenant, this = self.home.tenant, identity(self.home.database)
        if this == identity(homes.shared.database):
            raise NotItsOwn(homes.shared.database.name, "leads to the shared one")
        others = (home for other, home in homes.dedicated.items() if other != tenant)
        if any(identity(other.database) == this for other in others):
            raise NotItsOwn(homes.shared.database.name, "leads to another tenant's")
        for table in self.tables:
            path = table.table.tenant
            if path and path.column and not (path.parent or path.owners):
                named = as_text(table.column(path.column))
                if _some(table, named.is_not(None) & (named != tenant)):
                    raise NotItsOwn(homes.shared.database.name, "leads to one that holds rows of another tenant")


def own_database(homes: Homes, tenant: str) -> OwnDatabase:
    """A tenant's own database; the error that kept it from being opened, or NothingToDrop."""
    home = homes.dedicated.get(tenant)
    if home is None:
        raise homes.unknown.get(tenant) or NothingToDrop(homes.shared.database.name)
    names = [name for name in home.declared if expected_in_dedicated(homes.shared, name) and home.has(name)]
    return OwnDatabase(home, tuple(home.table(name) for name in names))


def _some(table: DeclaredTable, which: Predicate) -> bool:
    found: Query = sa.select(sa.literal_column("1")).select_from(table.sql).where(which).limit(1)
    return bool(table.home.database.rows(found))
