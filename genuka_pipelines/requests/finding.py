"""Finds a person in every table of every database, by what the catalogue declares: keys, addresses, mentions.

Sure is what carries the very key or address. What only looks like it is near: it is shown to a person, who may
add its key to the request, and nothing acts on it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.persons import contacts_of, homes_of, names_of, systems_of
from genuka_pipelines.requests.addresses import TAIL, Sought, email_of, mailbox, phone_of, spellings, tail, written
from genuka_pipelines.requests.errors import NotAnswerable
from genuka_pipelines.requests.person import Key, Near, Person, Spot, Why, spot_of
from genuka_pipelines.rows.correcting import Change, without
from genuka_pipelines.rows.path import any_of, never, of_tenants, tenant_of
from genuka_pipelines.rows.selection import OfPerson, Rows
from genuka_pipelines.rows.where import keys_where, where
from genuka_pipelines.systems.column_types import Query, as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.catalog.persons import Contact
    from genuka_pipelines.rows.declared import DeclaredTable, Home
    from genuka_pipelines.rows.house import House
    from genuka_pipelines.rows.path import Predicate

_AT_MOST = 1_000


def find(house: House, whom: Sought, *, as_of: datetime) -> Person:
    """Look everywhere. NotAnswerable where a database cannot be read: who is in it is unknown, and not nobody."""
    tables, search = list(tables_of_people(house, as_of)), _Search(whom)
    try:
        for table in tables:
            search.contacts(table)
        while search.widen(tables):
            pass
        for table in tables:
            search.own_rows(table)
        for table in tables:
            search.mentions(table)
    except GenukaError as error:
        raise NotAnswerable(f"not every table could be searched: {error}") from None
    return search.person()


def homes_of_people(house: House, as_of: datetime) -> Iterator[Home]:
    """Every database that holds rows of people. NotAnswerable where one cannot be opened."""
    for name in systems_of(house.catalog):
        homes = house.databases(name).homes(house.catalog, as_of)
        for error in homes.unknown.values():
            raise NotAnswerable(f"a tenant's own database cannot be searched: {error}")
        yield homes.shared
        yield from homes.dedicated.values()


def tables_of_people(house: House, as_of: datetime) -> Iterator[DeclaredTable]:
    """Every declared table of every such database."""
    for home in homes_of_people(house, as_of):
        yield from (home.table(name) for name in home.declared if home.has(name))


def _texts(table: DeclaredTable) -> Iterator[str]:
    """The columns that may say anything: JSON, and texts that are no key, address, hash or state."""
    declared = table.table
    path = declared.tenant
    names = {*declared.key, *declared.subject.values(), *declared.references, *contacts_of(declared)}
    names |= {name for name in (path.column, path.kind) if name} if path else set()
    for name, column in declared.columns.items():
        if name in table.sql.c and name not in names and column.protected is None:
            kind = kind_of(table.column(name))
            if kind == "json" or (kind == "text" and not column.holds.startswith("system.")):
                yield name


@dataclass(frozen=True)
class _Sayings:
    """What texts are searched for: `likely` by a server, in lower case, as JSON may write it; `cut` looks closely."""

    likely: tuple[str, ...]
    cut: Change

    @classmethod
    def of(cls, sought: Collection[str]) -> _Sayings:
        spelled = {form for one in sought for form in (one, json.dumps(one)[1:-1], json.dumps(one.lower())[1:-1])}
        return cls(tuple(sorted({form.lower() for form in spelled})), without(sought))


class _Search:
    """What was found so far."""

    def __init__(self, whom: Sought) -> None:
        self._whom = whom
        self._keys: dict[str, set[str]] = defaultdict(set, {kind: set(keys) for kind, keys in whom.keys.items()})
        self._rows: dict[Spot, set[Key]] = defaultdict(set)
        self._mentions: dict[tuple[Spot, str], set[Key]] = defaultdict(set)
        self._near: dict[tuple[str, str], Near] = {}
        self._emails, self._phones, self._typed = set[str](), set[str](), set[str]()
        self._names, self._tenants = set[str](), set[str]()
        self._mailboxes = {mailbox(email) for email in whom.emails}
        self._tails = {tail(phone) for phone in whom.phones}

    def contacts(self, table: DeclaredTable) -> None:
        """Rows that carry an address: of a person's own table the person, of any other the row itself."""
        contacts = {name: kind for name, kind in contacts_of(table.table).items() if name in table.sql.c}
        if not contacts or not (self._whom.emails or self._whom.phones):
            return
        kinds, key = list(homes_of(table.table)), table.table.key
        asked = [as_text(table.column(name)).label(f"c{at}") for at, name in enumerate((*key, *contacts))]
        likely = any_of(self._likely(table, name, kind) for name, kind in contacts.items())
        query: Query = sa.select(*asked).select_from(table.sql).where(likely)
        for row in table.home.database.rows(query):
            own, values = tuple(row[: len(key)]), dict(zip(contacts.items(), row[len(key) :], strict=True))
            if None in own:
                continue
            sure, why = self._judged(values)
            if sure and kinds:
                for kind in kinds:
                    self._keys[kind].add(own[0])
            elif sure:
                self._rows[spot_of(table)].add(own)
            elif why is not None:
                for kind in kinds:
                    self._near.setdefault((kind, own[0]), Near(spot_of(table), kind, own[0], why))

    def widen(self, tables: Sequence[DeclaredTable]) -> bool:
        """Whoever is a person under one key may be one under another: an applicant who was hired."""
        before = sum(map(len, self._keys.values()))
        for table in tables:
            own = list(homes_of(table.table))
            others = {kind for kind in table.table.subject if self._keys.get(kind)}
            if own and others:
                for (key,) in keys_where(table, where(OfPerson(self._named()), table)):
                    for kind in own:
                        self._keys[kind].add(key)
        return sum(map(len, self._keys.values())) > before

    def own_rows(self, table: DeclaredTable) -> None:
        """The addresses and the name in the person's own rows: others' texts may have one that nobody gave."""
        contacts = {name: kind for name, kind in contacts_of(table.table).items() if name in table.sql.c}
        named = names_of(table.table) if set(names_of(table.table)) <= set(table.sql.c.keys()) else ()
        own = where(OfPerson(self._named()), table)
        if not (contacts or named) or never(own) or not any(homes_of(table.table)):
            return
        asked = [as_text(table.column(name)) for name in (*contacts, *named)]
        query: Query = sa.select(tenant_of(table), *asked).select_from(table.sql).where(own)
        for tenant, *values in table.home.database.rows(query):
            for value, kind in zip(values, contacts.values(), strict=False):
                self._learn(value, kind)
            name = " ".join(str(part).strip() for part in values[len(contacts) :] if part)
            if tenant and " " in name:
                self._names.add(name)
                self._tenants.add(str(tenant))

    def mentions(self, table: DeclaredTable) -> None:
        """Rows of others whose texts or JSON values contain an address; one reading of the table for all of them."""
        columns, here = list(_texts(table)), self._in_own_tenant(table)
        if not columns:
            return
        # A column for names has the row's own: only what somebody wrote freely can mention another.
        free = {name for name in columns if table.table.columns[name].holds == "user.content"}
        named: list[Predicate] = []
        for name in columns:
            text = sa.func.lower(table.home.database.dialect.text(table.column(name)))
            named += [text.contains(one, autoescape=True) for one in self._by_address.likely]
            named += [here & text.contains(one, autoescape=True) for one in self._by_name.likely if name in free]
        likely = any_of(named)
        if never(likely):
            return
        known = any_of([where(OfPerson(self._named()), table), where(Rows(table.name, self._rows_of(table)), table)])
        key = [as_text(table.column(part)) for part in table.table.key]
        texts = [as_text(table.column(name)) for name in columns]
        # Not every server has a boolean that can be selected.
        asked: Query = sa.select(*key, sa.case((here, 1), else_=0), *texts).select_from(table.sql)
        says, names, number = self._by_address.cut, self._by_name.cut, 0
        for row in table.home.database.rows(asked.where(likely & ~known)):
            own, its, values = tuple(row[: len(key)]), row[len(key)], row[len(key) + 1 :]
            found = [
                name
                for name, text in zip(columns, values, strict=True)
                if says(text) != text or (its and name in free and names(text) != text)
            ]
            number += bool(found)
            if number > _AT_MOST:
                raise NotAnswerable(
                    f"more than {_AT_MOST:,} rows of '{table.name}' mention the address: it is everybody's, and no "
                    "person's; give another"
                )
            for name in found:
                self._mentions[spot_of(table), name].add(own)

    def _in_own_tenant(self, table: DeclaredTable) -> Predicate:
        """Rows where a name alone says who is meant: Genuka's own, about a tenant that the person belongs to."""
        if table.home.declared[table.name].category.role != "controller":
            return sa.false()
        return of_tenants(table, lambda tenant: tenant.in_(sorted(self._tenants))) if self._tenants else sa.false()

    def _learn(self, value: str | None, kind: Contact) -> None:
        if value and kind == "email" and (email := email_of(value)):
            self._emails.add(email)
        elif value and kind == "phone" and len(tail(value)) == TAIL:
            self._typed.add(value.strip().lower())
            self._phones |= {phone} if (phone := phone_of(value)) else set()

    def person(self) -> Person:
        """All of it."""
        near = [one for (kind, key), one in self._near.items() if key not in self._keys.get(kind, ())]
        return Person(
            keys={kind: frozenset(keys) for kind, keys in sorted(self._keys.items()) if keys},
            rows={spot: frozenset(keys) for spot, keys in self._rows.items()},
            mentions={place: frozenset(keys) for place, keys in self._mentions.items()},
            near=tuple(sorted(near, key=lambda one: (one.kind, one.key))),
            emails=frozenset(self._emails),
            phones=frozenset(self._phones),
            spelled=self._spelled | self._names,
        )

    @cached_property
    def _by_address(self) -> _Sayings:
        return _Sayings.of(self._spelled)

    @cached_property
    def _by_name(self) -> _Sayings:
        return _Sayings.of(self._names)

    @cached_property
    def _spelled(self) -> frozenset[str]:
        """Asked for once every own row was read."""
        emails = (text for email in self._whom.emails | self._emails for text in spellings(email))
        phones = (text for phone in self._whom.phones | self._phones for text in written(phone))
        return frozenset({*emails, *phones, *self._typed})

    def _named(self) -> dict[str, tuple[str, ...]]:
        return {kind: tuple(sorted(keys)) for kind, keys in self._keys.items()}

    def _rows_of(self, table: DeclaredTable) -> frozenset[Key]:
        return frozenset(self._rows.get(spot_of(table), ()))

    def _likely(self, table: DeclaredTable, name: str, kind: Contact) -> sa.ColumnElement[bool]:
        """What a server can tell; `_judged` then looks closely."""
        column = table.home.database.dialect.text(table.column(name))
        if kind == "phone":
            digits = table.home.database.dialect.digits(column)
            return any_of(sa.func.right(digits, len(one)) == one for one in sorted(self._tails))
        said = sa.func.lower(sa.func.trim(column))
        bare = sa.func.replace(said, ".", "")
        alike = [(local, domain.replace(".", "")) for local, _, domain in (m.rpartition("@") for m in self._mailboxes)]
        spelled = sorted({text for email in self._whom.emails for text in spellings(email)})
        likes = [
            pattern
            for local, domain in sorted(alike)
            for pattern in (
                bare == f"{local}@{domain}",
                bare.startswith(f"{local}+", autoescape=True) & bare.endswith(f"@{domain}", autoescape=True),
            )
        ]
        return any_of([said.in_(spelled), *likes])

    def _judged(self, values: Mapping[tuple[str, Contact], Any]) -> tuple[bool, Why | None]:
        why: Why | None = None
        for (_, kind), value in values.items():
            if value is None:
                continue
            if kind == "email":
                email = email_of(value)
                if email in self._whom.emails:
                    return True, None
                if email and mailbox(email) in self._mailboxes:
                    why = "same_mailbox"
            elif phone_of(value) in self._whom.phones:
                if not self._whom.emails:
                    return True, None
                why = why or "phone_only"
            elif tail(value) in self._tails:
                why = why or "other_country"
        return False, why
