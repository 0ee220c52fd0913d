"""Are the data as the rules suppose them to be? Runs the declared expectations inside the database."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.answer import Answer
from genuka_pipelines.quality.expectations import Met, run_expectations
from genuka_pipelines.quality.scope import readable
from genuka_pipelines.quality.surroundings import Surroundings


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:
    """No where an expectation of severity error is not met; where only warnings are not, a warning."""
    category = house.catalog.categories[key]
    if house.catalog.systems[category.system].kind != "database":
        return Answer(passed=True, notes=("it holds objects, of which nothing is expected",))
    results: list[Met] = []
    unknown: list[str] = []
    for table, declared in category.tables.items():
        if not declared.expectations:
            continue
        try:
            for database, within in readable(house, key, table, as_of, house.catalog.questions[name].processor_data):
                query = None
                if within is not None:
                    found = database.table(table)
                    query = _literal(sa.select(*found.c).where(within), database.dialect.drivername)
                results += run_expectations(database.url, table, declared.expectations, query=query)
        except GenukaError:
            unknown.append(table)
    return _answer(results, unknown)


def _answer(results: list[Met], unknown: list[str]) -> Answer:
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
