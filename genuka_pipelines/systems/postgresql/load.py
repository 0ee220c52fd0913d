"""Rows and definitions put into a PostgreSQL schema that nobody uses yet, and that schema made the wanted one.

A restored database holds people who were erased since; so nothing may see it before the gate, and then all
of it must be there at once: renaming a schema is one catalogue row in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from genuka_pipelines.systems.dump import Definition, Load, Statement, by_rounds, gathered
from genuka_pipelines.systems.errors import NotRestorable, TargetNotEmpty
from genuka_pipelines.systems.postgresql.definition import QUARANTINE
from genuka_pipelines.systems.postgresql.dump import EXACT, connect

if TYPE_CHECKING:
    from genuka_pipelines.systems.database import Database

_MARK = "Genuka: a restore that is not published"
_LOCK = 0x67656E756B61
_CONTENT = """
    SELECT kind || ' ' || quote_literal(name) FROM (
           SELECT 'the table or view', relname, oid, relnamespace, 'pg_class'::regclass FROM pg_class UNION ALL
           SELECT 'the type', typname, oid, typnamespace, 'pg_type'::regclass FROM pg_type UNION ALL
           SELECT 'the function', proname, oid, pronamespace, 'pg_proc'::regclass FROM pg_proc
         ) AS o (kind, name, oid, namespace, class)
     WHERE namespace = to_regnamespace(quote_ident(%(schema)s)) AND NOT EXISTS (
           SELECT FROM pg_depend d WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype IN ('e', 'i'))
     LIMIT 1"""
_STAYS = """
    SELECT format('ALTER EXTENSION %%I SET SCHEMA %%I', e.extname, %(to)s::text) FROM pg_extension e
     WHERE e.extnamespace = to_regnamespace(quote_ident(%(schema)s))"""
_FIXED = """
    SELECT extname FROM pg_extension
     WHERE extnamespace = to_regnamespace(quote_ident(%(schema)s)) AND NOT extrelocatable LIMIT 1"""
_RIGHTS = """
    SELECT format('GRANT %%s ON SCHEMA %%I TO %%s', a.privilege_type, %(schema)s::text,
                  CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a WHERE n.nspname = %(schema)s AND a.grantee <> n.nspowner
    UNION ALL
    SELECT format('ALTER SCHEMA %%I OWNER TO %%I', nspname, pg_get_userbyid(nspowner))
      FROM pg_namespace WHERE nspname = %(schema)s"""


class PostgreSQLLoad(Load):
    """One connection for the definitions and the lock that keeps a second restore out; one for each COPY."""

    def __init__(self, database: Database, schema: str | None) -> None:
        from genuka_pipelines.systems.database import Database

        self._database, self._open = database, True
        self._late: list[Statement] = []
        self._codes: dict[Statement, str] = {}
        self._connection = connect(database, EXACT)
        try:
            found = self._connection.execute("SELECT coalesce(current_schema(), 'public')").fetchone()
            self._into = schema or str(found and found[0])
            self._settings = (
                *EXACT,
                "SET check_function_bodies TO off",
                sql.SQL("SET search_path TO {}, {}").format(*map(sql.Identifier, (QUARANTINE, self._into))).as_string(),
            )
            self._enter()
        except BaseException:
            self._connection.close()
            raise
        path = ",".join('"' + name.replace('"', '""').replace("\\", "\\\\") + '"' for name in (QUARANTINE, self._into))
        option = "-csearch_path=" + path.replace("\\", "\\\\").replace(" ", "\\ ")
        given = database.url.query.get("options", "")
        options = " ".join((*([given] if isinstance(given, str) else given), option)).strip()
        url = database.url.update_query_dict({"options": options})
        self.quarantine = Database(url, name=database.name, timeout=database.timeout)

    @property
    def _at(self) -> str:
        return f"{self._database.name} ({self._database.place})"

    def _enter(self) -> None:
        """Take the lock, look whether the target is empty, and make the quarantine."""
        run = self._connection.execute
        if run("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
            raise TargetNotEmpty(f"{self._at} is being restored into already; wait for that restore to end")
        self._refuse_content()
        for (fixed,) in run(_FIXED, {"schema": self._into}).fetchall():
            raise TargetNotEmpty(
                f"{self._at} has the extension '{fixed}' in the schema '{self._into}', which cannot be moved;"
                " restore into a schema of another name"
            )
        comment = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
        left = run(comment, (QUARANTINE,)).fetchone()
        if left is not None and left != (_MARK,):
            raise TargetNotEmpty(f"{self._at} has a schema '{QUARANTINE}' that is not of a restore; rename it")
        with self._connection.transaction():
            run(f"DROP SCHEMA IF EXISTS {QUARANTINE} CASCADE")
            run(f"CREATE SCHEMA {QUARANTINE}")
            run(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(QUARANTINE), _MARK))
        for setting in self._settings:
            run(setting)

    def _refuse_content(self) -> None:
        found = self._connection.execute(_CONTENT, {"schema": self._into}).fetchone()
        if found:
            raise TargetNotEmpty(
                f"{self._at} already holds {found[0]} in the schema '{self._into}'; restore into an empty one"
            )

    def create(self, definition: Definition, tables: Collection[str]) -> None:
        """See Load.create."""
        if definition.product != "postgresql":
            raise NotRestorable(f"{self._at} is PostgreSQL, and the backup is of {definition.product}")
        with self._database.named_errors(writing=True):
            for name in sorted(_schemas(definition)):
                with suppress(psycopg.Error):
                    self._connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
            first = definition.of("types", tables), definition.of("functions", tables), definition.of("tables", tables)
            failed = by_rounds([one for phase in first for one in phase], self._runs)
            self._refuse_lacks(failed)
        self._late = [*failed, *definition.of("code", tables)]

    def rows(self, table: str, columns: Collection[str], lines: Iterable[bytes]) -> int:
        """See Load.rows; on a connection of its own."""
        with self._database.named_errors(writing=True):
            connection = connect(self._database, self._settings)
        with connection, self._named(table):
            if not columns:
                count = sum(block.count(b"\n") for block in lines)
                query = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(sql.Identifier(table))
                with connection.transaction():
                    connection.cursor().executemany(query, [()] * count)
                return count
            named = sql.SQL(", ").join(map(sql.Identifier, columns))
            query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), named)
            cursor = connection.cursor()
            with cursor.copy(query) as copy:
                for block in gathered(lines):
                    copy.write(block)
            return cursor.rowcount

    @contextmanager
    def _named(self, table: str) -> Iterator[None]:
        """A row that the server does not take, without its values."""
        with self._database.named_errors(writing=True):
            try:
                yield
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise NotRestorable(
                    f"{self._at} does not take a row of the table '{table}' (server code {error.sqlstate})"
                ) from None

    def finish(self, definition: Definition, tables: Collection[str], sequences: Mapping[str, str]) -> list[str]:
        """See Load.finish; a check that the rows do not pass is left out too."""
        with self._database.named_errors(writing=True):
            keys = [*definition.of("keys", tables), *definition.of("indexes", tables)]
            lacking = [one for one in keys if not self._runs(one)]
            self._refuse_lacks(lacking)
            references = definition.of("foreign_keys", tables)
            loose = [one for one in references if one.parent not in tables or not self._runs(one)]
            self._count_on(sequences)
        return [one.shown for one in (*lacking, *loose)]

    def _count_on(self, sequences: Mapping[str, str]) -> None:
        query = """SELECT setval(c.oid::regclass, least(greatest(%(next)s::numeric, q.seqmin), q.seqmax)::bigint,
                                 NOT %(next)s::numeric BETWEEN q.seqmin AND q.seqmax)
                     FROM pg_class c JOIN pg_sequence q ON q.seqrelid = c.oid
                    WHERE c.relname = %(name)s AND c.relnamespace = %(schema)s::regnamespace"""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            values = [{"name": name, "next": following, "schema": QUARANTINE} for name, following in sequences.items()]
            cursor.executemany(query, values)

    def publish(self) -> list[str]:
        """See Load.publish; one transaction. The schema keeps the owner and the grants of the one it replaces."""
        self.quarantine.close()
        run, names = self._connection.execute, {"schema": self._into, "to": QUARANTINE}
        with self._database.named_errors(writing=True), self._connection.transaction():
            self._refuse_content()
            failed = by_rounds(self._late, self._runs)
            rights = [row[0] for row in run(_RIGHTS, names).fetchall()]
            for (move,) in run(_STAYS, names).fetchall():
                run(move)
            into = sql.Identifier(self._into)
            run(sql.SQL("DROP SCHEMA IF EXISTS {}").format(into))
            run(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(QUARANTINE), into))
            run(sql.SQL("COMMENT ON SCHEMA {} IS NULL").format(into))
            for right in rights:
                run(right)
        self._open = False
        self._connection.close()
        self._database.refresh()
        return [one.shown for one in failed]

    def discard(self) -> None:
        """See Load.discard."""
        if not self._open:
            return
        self._open = False
        self.quarantine.close()
        with self._database.named_errors(writing=True), self._connection as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {QUARANTINE} CASCADE")

    def _runs(self, one: Statement) -> bool:
        try:
            with self._connection.transaction():
                self._connection.execute(one.sql)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            self._codes[one] = str(error.sqlstate)
            return False
        return True

    def _refuse_lacks(self, failed: Iterable[Statement]) -> None:
        for one in failed:
            if not one.optional:
                raise NotRestorable(
                    f"{self._at} cannot make '{one.name}' of the backup (server code {self._codes[one]});"
                    " use a server of the same or a later version, with the same extensions"
                )


def _schemas(definition: Definition) -> set[str]:
    """The other schemas that extensions were in."""
    found = (one.sql.rpartition(" WITH SCHEMA ") for one in definition.statements if one.name.startswith("extension "))
    return {schema.strip('"').replace('""', '"') for _, said, schema in found if said}
