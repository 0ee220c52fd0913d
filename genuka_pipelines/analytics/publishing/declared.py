"""The tables that are to be published, with whom they protect and the fingerprint of what makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genuka_pipelines.analytics.releases.spec import spec_in
from genuka_pipelines.catalog.published import AnonymisedTable, UnitClass

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog


@dataclass(frozen=True)
class Declared:
    """A table as it is declared now, and the fingerprint that its new releases bear."""

    table: AnonymisedTable
    unit: UnitClass
    spec: str


def declared_tables(catalog: Catalog) -> dict[str, Declared]:
    """By name, in the order of the names; none where no privacy facts are declared."""
    if catalog.privacy is None:
        return {}
    units = catalog.privacy.units
    return {
        name: Declared(table, units[table.protects], spec_in(catalog, name))
        for name, table in sorted(catalog.published.items())
    }
