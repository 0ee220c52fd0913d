"""The role that BI tools are given: it reads schema `analytics`, and nothing else in that database.

A BI tool with an owner's login reads whatever that database holds. The role has no password and no
login of its own: an administrator grants it to those of people and tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

ROLE = "genuka_analysts"

_READABLE_ELSEWHERE = """
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND has_any_column_privilege(%(role)s, c.oid, 'SELECT')
  AND NOT (n.nspname = %(schema)s AND c.relname = ANY(%(tables)s))
ORDER BY 1 LIMIT 4
"""
_CHANGEABLE = """
SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
ORDER BY 1 LIMIT 4
"""
_OTHER_DATABASES = """
SELECT datname FROM pg_database
WHERE datallowconn AND NOT datistemplate AND datname NOT IN (current_database(), 'postgres')
  AND has_database_privilege(%(role)s, datname, 'CONNECT')
ORDER BY 1 LIMIT 4
"""
_POWERS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolcanlogin
    OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
FROM pg_roles r WHERE rolname = %(role)s
"""


def ready_role(target: psycopg.Connection[Any], schema: str, tables: Sequence[str]) -> tuple[str, ...]:
    """Make the role where it is missing and let it read these tables; what an administrator has yet to do."""
    import psycopg
    from psycopg import sql

    role = sql.Identifier(ROLE)
    if not target.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).rowcount:
        try:
            with target.transaction():
                target.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        except psycopg.errors.InsufficientPrivilege:
            return (f"the role {ROLE} is missing and this user may not make it: CREATE ROLE {ROLE} NOLOGIN",)
        except psycopg.errors.UniqueViolation:  # another database of the server was quicker
            pass
    target.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), role))
    for table in tables:
        target.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(schema, table), role))
    return lacking(target, schema, tables)


def lacking(target: psycopg.Connection[Any], schema: str, tables: Sequence[str]) -> tuple[str, ...]:
    """In what the role differs from one that reads these tables and nothing else; a sentence each."""
    values = {"role": ROLE, "schema": schema, "tables": list(tables)}
    powers = target.execute(_POWERS, values).fetchone()
    if powers is None:
        return (f"the role {ROLE} is missing: publish again, or CREATE ROLE {ROLE} NOLOGIN",)
    found = []
    if powers[0]:
        found.append(f"the role {ROLE} can do more than read: make it NOLOGIN, a member of no role and of no power")
    if elsewhere := _listed(target, _READABLE_ELSEWHERE, values):
        found.append(f"the role {ROLE} can also read {elsewhere}: REVOKE that from it and from PUBLIC")
    if changeable := _listed(target, _CHANGEABLE, values):
        found.append(f"the role {ROLE} can change {changeable}: REVOKE that from it and from PUBLIC")
    if others := _listed(target, _OTHER_DATABASES, values):
        found.append(f"the role {ROLE} can enter the databases {others}: REVOKE CONNECT ON DATABASE … FROM PUBLIC")
    return tuple(found)


def _listed(target: psycopg.Connection[Any], query: str, values: Mapping[str, object]) -> str:
    names = [name for (name,) in target.execute(query, values).fetchall()]
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
