"""Refuses columns that could not be made anonymous as they say: a key that would be lost, a date made text.

A row without its key or tenant is nobody's, and no rule reaches it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.links.naming import At, Broken, Found
from genuka_pipelines.catalog.links.rules import events_of
from genuka_pipelines.catalog.table import Table

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog

_NO_TEXT = ("user.demographic.date_of_birth",)


def broken_anonymity(catalog: Catalog) -> Iterator[Broken]:
    """Every column whose `anonymised` its table cannot bear."""
    systems = {category.system for category in catalog.categories.values()}
    moments = {system: _moments(catalog, system) for system in systems}
    for key, category in catalog.categories.items():
        for name, table in category.tables.items():
            for at, problem in _unfit(name, table, moments[category.system]):
                yield key, at, problem


def _unfit(name: str, table: Table, moments: set[tuple[str, str]]) -> Iterator[Found]:
    path = table.tenant
    found_by = {*table.key, *((path.column, path.kind) if path else ())}
    for column, declared in table.columns.items():
        at: At = ("attributes", "tables", name, "columns", column)
        if declared.anonymised in ("blank", "opaque") and column in found_by:
            yield (
                at,
                f"'{column}' is how a row of '{name}' and its tenant are found, and stays when the row is made "
                "anonymous; take anonymised away, or write keep",
            )
        elif declared.anonymised == "opaque" and (declared.holds in _NO_TEXT or (name, column) in moments):
            yield at, f"'{column}' holds a date, and an opaque value is text; write blank or keep"


def _moments(catalog: Catalog, system: str) -> set[tuple[str, str]]:
    """Every (table, column) that a rule of a system reads as a moment."""
    found: set[tuple[str, str]] = set()
    for category in catalog.categories.values():
        if category.system == system:
            for name in category.tables:
                for rule in category.rules_of(name):
                    for reference in events_of(rule):
                        if not reference.startswith("ulid:"):
                            owner, _, column = reference.rpartition(".")
                            found.add((owner or name, column))
    return found
