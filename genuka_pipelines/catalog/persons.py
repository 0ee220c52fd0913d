"""Who a person is in the tables: kinds of data subject, the tables that are about one, and where contacts stand.

Computed from what the categories declare, so that a new table with an address in it is searched from its first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.category import Role
    from genuka_pipelines.catalog.table import Table

Contact = Literal["email", "phone"]
_CONTACTS: Mapping[str, Contact] = {"user.contact.email": "email", "user.contact.phone_number": "phone"}


@dataclass(frozen=True)
class Kind:
    """A kind of data subject. `homes` are the tables, (system, name), whose row is the person.

    `ours` says that everything about it is Genuka's own to answer for. Where a tenant answers, a request is
    routed there (GDPR article 28(3)(e)).
    """

    name: str
    homes: tuple[tuple[str, str], ...]
    ours: bool


def kinds_of(catalog: Catalog) -> Mapping[str, Kind]:
    """Every kind that a table has a key for, by name."""
    homes: dict[str, list[tuple[str, str]]] = {}
    roles: dict[str, set[Role]] = {}
    for key, name, table in catalog.tables():
        category = catalog.categories[key]
        for kind, column in table.subject.items():
            roles.setdefault(kind, set()).add(category.role)
            homes.setdefault(kind, [])
            if table.key == (column,):
                homes[kind].append((category.system, name))
    return {kind: Kind(kind, tuple(homes[kind]), roles[kind] == {"controller"}) for kind in homes}


def systems_of(catalog: Catalog) -> tuple[str, ...]:
    """The databases in which people are."""
    named = dict.fromkeys(catalog.categories[key].system for key, _, _ in catalog.tables())
    return tuple(name for name in named if not catalog.systems[name].is_control)


def contacts_of(table: Table) -> dict[str, Contact]:
    """The columns that hold an address or number by which a person is written to or called; hashes are none."""
    return {
        name: contact
        for name, column in table.columns.items()
        if column.protected is None and (contact := _CONTACTS.get(column.holds))
    }


def names_of(table: Table) -> tuple[str, ...]:
    """The columns that together spell a person's name, in their order; of no person's table there is none."""
    found = {column.holds: name for name, column in table.columns.items() if column.protected is None}
    parts = ("user.name.first", "user.name.last")
    if all(part in found for part in parts):
        return tuple(found[part] for part in parts)
    return (found["user.name"],) if "user.name" in found else ()


def homes_of(table: Table) -> Iterator[str]:
    """The kinds whose person is a row of this table itself."""
    return (kind for kind, column in table.subject.items() if table.key == (column,))
