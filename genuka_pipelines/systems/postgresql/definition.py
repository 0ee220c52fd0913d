"""The statements that make a PostgreSQL schema again, asked of its catalogs and written by the server.

Names of the schema itself are left unqualified, so that the same statements make it under another name:
that is how a restore stays out of sight until it may be seen. Grants and owners are not part of it.
By name and not by age, so that a database made again has the same definition.
"""

# ruff: noqa: S608  (queries are put together from this file's own parts; nothing in them comes from data)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genuka_pipelines.systems.dump import Definition, Statement

QUARANTINE = "genuka_restoring"
"""The schema in which a restore waits for its gate."""


def _own(kind: str, oid: str) -> str:
    """Nothing of an extension: its CREATE EXTENSION makes that."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '{kind}'::regclass AND x.objid = {oid}"
        " AND x.deptype = 'e')"
    )


_HERE = "JOIN pg_namespace n ON n.nspname = current_schema() AND n.oid ="
_MINE = f"""
    (SELECT c.*, coalesce(r.relname, c.relname) AS root
       FROM pg_class c {_HERE} c.relnamespace LEFT JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
      WHERE {_own("pg_class", "c.oid")})"""
_COLLATED = """CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                    THEN ' COLLATE ' || a.attcollation::regcollation::text ELSE '' END"""
_COUNTING = """format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s %sCYCLE', q.seqstart,
    q.seqincrement, q.seqmin, q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN '' ELSE 'NO ' END)"""
_NAME = '(?:[^ ".]+|(?:"[^"]*")+)'
_UP_TO_SCHEMA = rf"^(CREATE (?:UNIQUE )?INDEX {_NAME} ON) (?:ONLY )?{_NAME}\."
_LATE_NULL = "k.contype = 'n' AND NOT k.convalidated"

_QUERIES = (
    # extensions
    """SELECT 'types', 'extension ' || e.extname, '', '', true,
              format('CREATE EXTENSION IF NOT EXISTS %I', e.extname)
              || CASE WHEN n.nspname = current_schema() THEN '' ELSE format(' WITH SCHEMA %I', n.nspname) END
         FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'
        ORDER BY 2, 3, 6""",
    # collations; the column of an ICU locale has had three names
    f"""SELECT 'types', c.collname, '', '', false,
               format('CREATE COLLATION %I (provider = %s, deterministic = %s, %s%s)', c.collname,
                      CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
                      c.collisdeterministic::text,
                      CASE WHEN c.collprovider = 'c'
                           THEN format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype)
                           ELSE format('locale = %L', coalesce(j ->> 'colllocale', j ->> 'colliculocale',
                                                               c.collcollate)) END,
                      coalesce(', rules = ' || quote_literal(j ->> 'collicurules'), ''))
          FROM pg_collation c {_HERE} c.collnamespace CROSS JOIN to_jsonb(c) AS j
         WHERE {_own("pg_collation", "c.oid")} ORDER BY 2, 3, 6""",
    # enums
    f"""SELECT 'types', t.typname, '', '', false, format('CREATE TYPE %I AS ENUM (%s)', t.typname,
               (SELECT coalesce(string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder), '')
                  FROM pg_enum e WHERE e.enumtypid = t.oid))
          FROM pg_type t {_HERE} t.typnamespace WHERE t.typtype = 'e' AND {_own("pg_type", "t.oid")}
         ORDER BY 2, 3, 6""",
    # domains
    f"""SELECT 'types', t.typname, '', '', false,
               format('CREATE DOMAIN %I AS %s', t.typname, format_type(t.typbasetype, t.typtypmod))
               || CASE WHEN t.typcollation <> b.typcollation AND t.typcollation <> 0
                       THEN ' COLLATE ' || t.typcollation::regcollation::text ELSE '' END
               || coalesce(' DEFAULT ' || t.typdefault, '') || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
               || coalesce((SELECT string_agg(format(' CONSTRAINT %I %s', k.conname,
                                   replace(pg_get_constraintdef(k.oid), ' NOT VALID', '')), '' ORDER BY k.conname)
                              FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated), '')
          FROM pg_type t {_HERE} t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
         WHERE t.typtype = 'd' AND {_own("pg_type", "t.oid")} ORDER BY 2, 3, 6""",
    # composites
    f"""SELECT 'types', c.relname, '', '', false, format('CREATE TYPE %I AS (%s)', c.relname,
               (SELECT coalesce(string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                                           || {_COLLATED}, ', ' ORDER BY a.attnum), '')
                  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
          FROM pg_class c {_HERE} c.relnamespace WHERE c.relkind = 'c'
           AND {_own("pg_type", "c.reltype")} ORDER BY 2, 3, 6""",
    # ranges
    f"""SELECT 'types', t.typname, '', '', false,
               format('CREATE TYPE %I AS RANGE (subtype = %s%s%s%s%s, multirange_type_name = %I)', t.typname,
                      format_type(r.rngsubtype, NULL),
                      CASE WHEN o.opcdefault THEN '' ELSE format(', subtype_opclass = %I.%I', m.nspname, o.opcname) END,
                      CASE WHEN r.rngcollation IN (0, s.typcollation) THEN ''
                           ELSE ', collation = ' || r.rngcollation::regcollation::text END,
                      CASE WHEN r.rngcanonical = 0 THEN '' ELSE ', canonical = ' || r.rngcanonical::text END,
                      CASE WHEN r.rngsubdiff = 0 THEN '' ELSE ', subtype_diff = ' || r.rngsubdiff::text END,
                      (SELECT typname FROM pg_type WHERE oid = r.rngmultitypid))
          FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid {_HERE} t.typnamespace
          JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc
          JOIN pg_namespace m ON m.oid = o.opcnamespace WHERE {_own("pg_type", "t.oid")} ORDER BY 2, 3, 6""",
    # sequences; those of identity columns come with their tables
    f"""SELECT 'types', s.relname, coalesce(o.root, ''), '', false,
               format('CREATE SEQUENCE %I AS %s ', s.relname, format_type(q.seqtypid, NULL)) || {_COUNTING}
          FROM {_MINE} s JOIN pg_sequence q ON q.seqrelid = s.oid
          LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
                               AND d.refclassid = 'pg_class'::regclass
          LEFT JOIN {_MINE} o ON o.oid = d.refobjid
         WHERE d.deptype IS DISTINCT FROM 'i' ORDER BY 2, 3, 6""",
    # functions, whose name alone is always qualified
    f"""SELECT 'functions', p.proname, '', '', true,
               overlay(pg_get_functiondef(p.oid) PLACING '' FROM
                       position(quote_ident(n.nspname) || '.' in pg_get_functiondef(p.oid))
                       FOR length(quote_ident(n.nspname)) + 1)
          FROM pg_proc p {_HERE} p.pronamespace
         WHERE p.prokind IN ('f', 'p', 'w') AND {_own("pg_proc", "p.oid")} ORDER BY 2, 3, 6""",
    # tables
    f"""SELECT 'tables', c.relname, c.root, '', false,
               format('CREATE %sTABLE %I ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, c.relname)
               || CASE WHEN c.relispartition
                       THEN format('PARTITION OF %I %s', p.relname, pg_get_expr(c.relpartbound, c.oid))
                       ELSE format('(%s)', (
                    SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || {_COLLATED}
                           || CASE WHEN a.attgenerated = 's'
                                   THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(f.adbin, f.adrelid))
                                   WHEN a.attgenerated = 'v'
                                   THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', pg_get_expr(f.adbin, f.adrelid))
                                   WHEN a.attidentity <> ''
                                   THEN format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %I %s)',
                                               CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
                                               s.relname, {_COUNTING})
                                   ELSE coalesce(' DEFAULT ' || pg_get_expr(f.adbin, f.adrelid), '') END
                           || CASE WHEN a.attnotnull AND NOT EXISTS (
                                        SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND {_LATE_NULL}
                                           AND k.conkey[1] = a.attnum)
                                   THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum)
                      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                      LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
                      LEFT JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
                            AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
                            AND a.attidentity <> ''
                      LEFT JOIN pg_class s ON s.oid = d.objid LEFT JOIN pg_sequence q ON q.seqrelid = s.oid
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) END
               || CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END
               || CASE WHEN c.reloptions IS NULL THEN '' ELSE format(' WITH (%s)', array_to_string(c.reloptions, ', '))
                  END
          FROM {_MINE} c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
          LEFT JOIN pg_class p ON p.oid = i.inhparent
         WHERE c.relkind IN ('r', 'p') ORDER BY 2, 3, 6""",
    # keys and checks, and which sequence goes with which column
    f"""SELECT 'keys', k.conname, c.root, '', k.contype = 'c',
               format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
          FROM pg_constraint k JOIN {_MINE} c ON c.oid = k.conrelid AND c.relkind IN ('r', 'p')
         WHERE (k.contype IN ('p', 'u', 'x', 'c') OR {_LATE_NULL}) AND k.conparentid = 0 AND k.coninhcount = 0
         ORDER BY k.contype <> 'p', 2, 3""",
    f"""SELECT 'keys', s.relname, o.root, '', false,
               format('ALTER SEQUENCE %I OWNED BY %I.%I', s.relname, o.relname, a.attname)
          FROM {_MINE} s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype = 'a'
                               AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
          JOIN {_MINE} o ON o.oid = d.refobjid
          JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = d.refobjsubid
         WHERE s.relkind = 'S' ORDER BY 2, 3, 6""",
    # indexes; one of a partitioned table makes those of its partitions
    f"""SELECT CASE WHEN c.relkind = 'm' THEN 'code' ELSE 'indexes' END, s.relname,
               CASE WHEN c.relkind = 'm' THEN '' ELSE c.root END, '', c.relkind = 'm',
               regexp_replace(pg_get_indexdef(i.indexrelid), '{_UP_TO_SCHEMA}', '\\1 ')
          FROM pg_index i JOIN {_MINE} c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p', 'm')
          JOIN pg_class s ON s.oid = i.indexrelid
         WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
           AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
           AND (i.indisvalid OR c.relkind = 'p') ORDER BY 2, 3, 6""",
    f"""SELECT 'foreign_keys', k.conname, c.root,
               CASE WHEN p.relnamespace = c.relnamespace
                    THEN coalesce((SELECT relname FROM pg_class r WHERE r.oid = pg_partition_root(p.oid)), p.relname)
                    ELSE p.relnamespace::regnamespace || '.' || p.relname END, false,
               format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
          FROM pg_constraint k JOIN {_MINE} c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
         WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 2, 3, 6""",
    # views, triggers, rules, policies
    f"""SELECT 'code', c.relname, '', '', true,
               format('CREATE %sVIEW %I%s AS %s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' ELSE '' END, c.relname,
                      CASE WHEN c.reloptions IS NULL THEN ''
                           ELSE format(' WITH (%s)', array_to_string(c.reloptions, ', ')) END, pg_get_viewdef(c.oid))
          FROM {_MINE} c WHERE c.relkind IN ('v', 'm') ORDER BY 2, 3, 6""",
    f"""SELECT 'code', t.tgname, CASE WHEN c.relkind = 'v' THEN '' ELSE c.root END, '', true,
               pg_get_triggerdef(t.oid, true)
          FROM pg_trigger t JOIN {_MINE} c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 2, 3, 6""",
    f"""SELECT 'code', t.tgname, c.root, '', true,
               format('ALTER TABLE %I %s TRIGGER %I', c.relname,
                      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
                      t.tgname)
          FROM pg_trigger t JOIN {_MINE} c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled <> 'O' AND c.relkind <> 'v' ORDER BY 2, 3, 6""",
    f"""SELECT 'code', r.rulename, CASE WHEN c.relkind = 'v' THEN '' ELSE c.root END, '', true,
               pg_get_ruledef(r.oid, true)
          FROM pg_rewrite r JOIN {_MINE} c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN' ORDER BY 2, 3, 6""",
    f"""SELECT 'code', p.polname, c.root, '', true,
               format('CREATE POLICY %I ON %I AS %s FOR %s TO %s', p.polname, c.relname,
                      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                    WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                      (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', ')
                         FROM unnest(p.polroles) o))
               || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
               || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
          FROM pg_policy p JOIN {_MINE} c ON c.oid = p.polrelid ORDER BY 2, 3, 6""",
    f"""SELECT 'code', 'row security of ' || c.relname, c.root, '', true,
               format('ALTER TABLE %I %s ROW LEVEL SECURITY', c.relname, f.how)
          FROM {_MINE} c CROSS JOIN (VALUES ('ENABLE', true), ('FORCE', false)) AS f (how, first)
         WHERE CASE WHEN f.first THEN c.relrowsecurity ELSE c.relforcerowsecurity END ORDER BY 2, 3, 6""",
    f"""SELECT 'code', 'comment on ' || c.relname, c.root, '', true,
               CASE WHEN d.objsubid = 0 THEN format('COMMENT ON TABLE %I IS %L', c.relname, d.description)
                    ELSE format('COMMENT ON COLUMN %I.%I IS %L', c.relname, a.attname, d.description) END
          FROM pg_description d JOIN {_MINE} c ON c.oid = d.objoid AND c.relkind IN ('r', 'p')
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
         WHERE d.classoid = 'pg_class'::regclass ORDER BY 2, 3, 6""",
)
_UNREAD = (
    f"""SELECT 'aggregate ' || p.proname FROM pg_proc p {_HERE} p.pronamespace
         WHERE p.prokind = 'a' AND {_own("pg_proc", "p.oid")}""",
    f"""SELECT 'operator ' || o.oprname FROM pg_operator o {_HERE} o.oprnamespace
         WHERE {_own("pg_operator", "o.oid")}""",
    f"""SELECT 'base type ' || t.typname FROM pg_type t {_HERE} t.typnamespace
         WHERE t.typtype = 'b' AND t.typcategory <> 'A' AND {_own("pg_type", "t.oid")}""",
    f"""SELECT 'text search configuration ' || t.cfgname FROM pg_ts_config t {_HERE} t.cfgnamespace
         WHERE {_own("pg_ts_config", "t.oid")}""",
    f"""SELECT 'statistics ' || s.stxname FROM pg_statistic_ext s {_HERE} s.stxnamespace""",
)


def definition(ask: Callable[[str], list[tuple[Any, ...]]]) -> Definition:
    """The definition of the current schema, by a function that asks one query of its server."""
    statements = tuple(
        Statement(phase, name, sql, table, parent, optional)
        for query in _QUERIES
        for phase, name, table, parent, optional, sql in ask(query)
    )
    unread = tuple(sorted(name for query in _UNREAD for (name,) in ask(query)))
    ((version,),) = ask("SHOW server_version")
    return Definition("postgresql", version, statements, unread)
