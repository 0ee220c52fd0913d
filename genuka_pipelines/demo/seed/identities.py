"""The people of a seeding, for whoever must show that none of them turns up where they should not."""

from __future__ import annotations

from sqlalchemy import Engine, Table, inspect, select

from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed import marker
from genuka_pipelines.demo.seed.base import refusals
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Identities, Target

_FULL_NAMES = ("name", "billing_name")
_NAMELESS = ("companies", "shops", "warehouses", "tags", "payment_methods", "event_partners", "webhooks")
_EMAILS = ("email", "billing_email", "contact_email")


def identities(target: Target, limit: int) -> Identities:
    """Up to `limit` rows of every table that holds people, of every database of a seeding."""
    found: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    refs = _collect(target.genuka, GENUKA, limit, found)
    _collect(target.genletter, GENLETTER, limit, found)
    for ref in refs:
        _collect(target.tenant_engine(ref), ref, limit, found)
    names, emails, phones = (tuple(sorted(values)) for values in found)
    return Identities(names, emails, phones)


def _collect(engine: Engine, database: str, limit: int, found: tuple[set[str], set[str], set[str]]) -> tuple[str, ...]:
    names, emails, phones = found
    with refusals(database, "read"), engine.connect() as connection:
        present = inspect(connection).get_table_names()
        role = database if database in (GENUKA, GENLETTER) else "tenant"
        for table in tables_of(role):
            columns = _columns(table)
            if not columns or table.name not in present:
                continue
            rows = select(*(table.c[name] for name in columns)).order_by(*table.primary_key).limit(limit)
            for row in connection.execute(rows).mappings():
                first, last = row.get("first_name"), row.get("last_name")
                names.update(row[name] for name in _FULL_NAMES if row.get(name))
                names.update([f"{first} {last}"] if first and last else [])
                emails.update(row[name] for name in _EMAILS if row.get(name))
                phones.update([row["phone"]] if row.get("phone") else [])
        mark = marker.read(connection) if marker.MARKER.name in present else None
    return mark.dedicated_refs if mark else ()


def _columns(table: Table) -> list[str]:
    named = () if table.name in _NAMELESS else _FULL_NAMES
    wanted = ("first_name", "last_name", "phone", *named, *_EMAILS)
    return [name for name in wanted if name in table.c]
