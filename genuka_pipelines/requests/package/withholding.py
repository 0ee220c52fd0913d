"""What of a person's own row is not given: what opens a door, and what names somebody else.

The right to a copy must not harm the rights of others (GDPR article 15(4)); and a copy of a password's hash or of a
session's cookie would let whoever finds the package in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.endings import tables_named
from genuka_pipelines.catalog.persons import kinds_of

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.table import Table
    from genuka_pipelines.requests.person import Person

_DOORS = ("user.authorization", "system.authentication")
_COOKIES = ("user.device.cookie_id", "user.device.cookie")


def secrets_in(table: Table) -> frozenset[str]:
    """The columns that open something: protected ones, credentials, and a cookie that is itself the row's key."""
    return frozenset(
        name
        for name, column in table.columns.items()
        if column.protected is not None
        or _within(column.holds, _DOORS)
        or (name in table.key and _within(column.holds, _COOKIES))
    )


@dataclass(frozen=True)
class Names:
    """For each column that names a person: the keys of whoever asks. Another value there is somebody else."""

    own: Mapping[str, frozenset[str]]

    def another(self, column: str, value: object) -> bool:
        """Whether a value of a column names somebody else."""
        return column in self.own and value not in (None, "") and str(value) not in self.own[column]


def names_in(catalog: Catalog, system: str, table: Table, person: Person) -> Names:
    """The columns of a table that name a person, by its subjects, its references or a column's own name."""
    tables = {name: one for _, name, one in catalog.tables(system)}
    named = {column: set(tables_named(column, table, tables)) for column in table.columns}
    found: dict[str, set[str]] = {}
    for kind in kinds_of(catalog).values():
        homes = {name for of, name in kind.homes if of == system}
        if not homes:  # a browser's number, or one of the staff's: no table here says whose it is
            continue
        columns = {column for of, column in table.subject.items() if of == kind.name}
        for column in columns | {column for column, others in named.items() if others & homes}:
            found.setdefault(column, set()).update(person.keys.get(kind.name, ()))
    return Names({column: frozenset(keys) for column, keys in found.items()})


def _within(held: str, roots: tuple[str, ...]) -> bool:
    return any(held == root or held.startswith(root + ".") for root in roots)
