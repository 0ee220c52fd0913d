"""Providers as external assets, one per system: where lineage begins."""

from __future__ import annotations

import dagster as dg

from genuka_pipelines.catalog import processor
from genuka_pipelines.catalog.processor import Processor as Declared
from genuka_pipelines.catalog.processor import System
from genuka_pipelines.components.fact import FactComponent

KINDS = {"database": "database", "store": "s3", "folder": "file", "run_storage": "dagster", "service": "api"}


class Processor(FactComponent):
    """A provider that holds or receives data, and the systems it runs for us."""

    model = processor.Processor

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One external asset `systems/<system>` per system; a provider without one is a system itself."""
        key = self.key.rsplit("/", 1)[-1]
        provider = self.catalog.processors[key]
        if not provider.systems:
            return dg.Definitions(assets=[_spec(key, provider, None)])
        return dg.Definitions(assets=[_spec(name, provider, system) for name, system in provider.systems.items()])


def _spec(name: str, provider: Declared, system: System | None) -> dg.AssetSpec:
    title = system.title.en if system else provider.title.en
    place = f"{system.place.country} ({system.place.proof})" if system else "not declared"
    clauses = (*provider.clauses, *(system.clauses if system else ()))
    return dg.AssetSpec(
        ["systems", name],
        group_name="systems",
        description=f"{title}, run by {provider.legal_name}.",
        kinds={KINDS[system.kind] if system else "api"},
        tags={"genuka/role": provider.role, "genuka/listed": str(provider.listed).lower()},
        metadata={
            "place": place,
            "purposes": ", ".join(provider.purposes),
            "receives": ", ".join(provider.receives) or "nothing personal",
            "contract": provider.contract.dated.isoformat() if provider.contract else "not seen",
            "certificates": ", ".join(c.name for c in provider.certificates) or "none listed",
            "clauses": ", ".join(clauses) or "none",
        },
    )
