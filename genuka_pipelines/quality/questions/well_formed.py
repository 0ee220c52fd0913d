"""Are the data as the rules suppose them to be? Runs the declared expectations inside the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import sqlalchemy as sa

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.expectations import Met, run_expectations
from genuka_pipelines.quality.scope import read_each
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import Predicate


def ask(asked: Asked) -> Answer:
    """No where an expectation of severity error is not met; where only warnings are not, a warning."""
    if asked.system.kind != "database":
        return Answer(passed=True, notes=("it holds objects, of which nothing is expected",))
    results: list[Met] = []

    def run(table: DeclaredTable, within: Predicate | None) -> None:
        database = table.home.database
        query = None
        if within is not None:
            query = _literal(sa.select(*table.sql.c).where(within), database.dialect.drivername)
        results.extend(run_expectations(database.url, table.name, table.table.expectations, query=query))

    tables = [name for name, table in asked.category.tables.items() if table.expectations]
    unknown = read_each(asked, tables, run)
    return _answer(results, unknown)


def _answer(results: list[Met], unknown: Collection[str]) -> Answer:
    failed = [met for met in results if not met.passed]
    counts: Counter[str] = Counter()
    for met in failed:
        counts[met.name] += met.unexpected or 1
    doubts = [met.name for met in failed if met.passed is None]
    grave = unknown or any(met.expectation.severity == "error" for met in failed)
    return Answer(
        passed=not failed and not unknown,
        counts={**counts, **dict.fromkeys([*unknown, *doubts])},
        notes=(f"{len(results)} expectations asked",),
        severity="warn" if failed and not grave else "error",
    )


def _literal(query: sa.Select[tuple[object, ...]], drivername: str) -> str:
    """The query as text, tenant keys and all; it holds opaque keys, never a person's value."""
    dialect = sa.make_url(f"{drivername}://").get_dialect()()
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
