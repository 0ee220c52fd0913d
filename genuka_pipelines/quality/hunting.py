"""Hunts a family of forbidden values through a category: counted by column, queued for a person.

The queue, not the log, is where a finding waits: it names a row by keyed hash, and it expires.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Finding
from genuka_pipelines.quality.answer import Answer, none_found
from genuka_pipelines.quality.scanning import Hit, scan_table
from genuka_pipelines.quality.scope import readable

if TYPE_CHECKING:
    from genuka_pipelines.quality.surroundings import Surroundings

KEPT = timedelta(days=30)
"""How long a finding waits for a person before it is forgotten."""


def hunt(
    house: Surroundings,
    key: str,
    as_of: datetime,
    check: str,
    family: str,
    *,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> Answer:
    """The answer of a category: every column in which something was found, with how many rows."""
    counts: Counter[str] = Counter()
    unknown: dict[str, int | None] = {}
    category = house.catalog.categories[key]
    wanted = list(columns) if columns is not None else list(category.tables)
    if house.catalog.systems[category.system].kind != "database":
        wanted = []
    findings: dict[str, Finding] = {}
    for table in wanted:
        try:
            for hit in _hits(house, key, table, as_of, check, family, columns):
                counts[f"{hit.table}.{hit.column}"] += 1
                found = _finding(check, key, hit)
                findings[found.id] = found
        except GenukaError:
            unknown[table] = None
    now = datetime.now(UTC)
    house.control.reviews.expire(now)
    house.control.reviews.record(findings.values(), now=now, keep=KEPT)
    return none_found({**counts, **unknown})


def _hits(
    house: Surroundings,
    key: str,
    table: str,
    as_of: datetime,
    check: str,
    family: str,
    columns: Mapping[str, Sequence[str]] | None,
) -> Iterator[Hit]:
    declared = house.catalog.categories[key].tables[table]
    for database, within in readable(house, key, table, as_of, house.catalog.questions[check].processor_data):
        yield from scan_table(
            database,
            table,
            declared,
            family,
            house.keyring.erasure,
            columns=columns[table] if columns else None,
            within=within,
        )


def _finding(check: str, key: str, hit: Hit) -> Finding:
    detector = hit.detector.replace(".", "_")
    return Finding(check=check, category=key, table=hit.table, column=hit.column, row=hit.row, detector=detector)
