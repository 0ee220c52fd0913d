"""Hunts a family of forbidden values through a category: counted by column, queued for a person.

The queue, not the log, is where a finding waits: it names a row by keyed hash, and it expires.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.control import Finding
from genuka_pipelines.quality.scanning import Hit, scan_table
from genuka_pipelines.quality.scope import read_each

if TYPE_CHECKING:
    from genuka_pipelines.quality.asked import Asked
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.path import Predicate

KEPT = timedelta(days=30)
"""How long a finding waits for a person before it is forgotten."""


def hunt(asked: Asked, family: str, *, columns: Mapping[str, Collection[str]] | None = None) -> Answer:
    """The answer of a category: every column in which something was found, with how many findings.

    With `columns`, only these of these tables are read.
    """
    counts: Counter[str] = Counter()
    findings: dict[str, Finding] = {}

    def seek(table: DeclaredTable, within: Predicate | None) -> None:
        only = None if columns is None else columns[table.name]
        for hit in scan_table(table, family, asked.house.keyring.erasure, columns=only, within=within):
            counts[f"{hit.table}.{hit.column}"] += 1
            found = _finding(asked, hit)
            findings[found.id] = found

    tables = asked.category.tables if columns is None else columns
    unknown = read_each(asked, tables if asked.system.kind == "database" else (), seek)
    reviews = asked.house.control.reviews
    reviews.expire(asked.now)
    reviews.record(findings.values(), now=asked.now, keep=KEPT)
    return none_found({**counts, **unknown})


def _finding(asked: Asked, hit: Hit) -> Finding:
    detector = hit.detector.replace(".", "_")
    return Finding(
        check=asked.name, category=asked.key, table=hit.table, column=hit.column, row=hit.row, detector=detector
    )
