"""A published table as analysts are told of it: what it says of itself, from its definition and its releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from genuka_pipelines.analytics.publishing.errata import Erratum
from genuka_pipelines.analytics.publishing.texts import caveats
from genuka_pipelines.analytics.releases.release import Manifest
from genuka_pipelines.catalog.published import AnonymisedTable, UnitClass
from genuka_pipelines.catalog.value import Language


@dataclass(frozen=True)
class Entry:
    """One table. `manifests`: of the releases shown, by period. `earlier`: tables of releases of another shape.

    `missing`: periods that should be there; a withdrawn one is not missing.
    """

    name: str
    table: AnonymisedTable
    unit: UnitClass
    spec: str
    manifests: tuple[Manifest, ...]
    missing: tuple[str, ...]
    errata: tuple[Erratum, ...]
    earlier: tuple[str, ...] = ()

    @property
    def last(self) -> Manifest | None:
        """The newest release shown."""
        return self.manifests[-1] if self.manifests else None

    def caveats(self, language: Language) -> tuple[str, ...]:
        """What to know before using it, a sentence each."""
        older = sum(manifest.spec != self.spec for manifest in self.manifests)
        said = caveats(self.table, self.unit, older=older, language=language)
        return (*said, *(f"{erratum.first} … {erratum.last} : {erratum.says(language)}" for erratum in self.errata))

    def row(self, now: datetime) -> tuple[object, ...]:
        """Its row of `analytics.tables`."""
        table, periods = self.table, [manifest.period for manifest in self.manifests]
        return (
            self.name,
            table.title.fr,
            table.title.en,
            table.question.fr,
            table.question.en,
            table.period.every,
            periods[0] if periods else None,
            periods[-1] if periods else None,
            ", ".join(self.missing),
            len(periods),
            table.protects,
            self.unit.title.fr,
            self.unit.title.en,
            table.budget.epsilon,
            table.budget.delta,
            self.unit.year.epsilon,
            table.groups,
            table.minimum,
            table.category,
            table.purpose,
            " ".join(self.caveats("fr")),
            " ".join(self.caveats("en")),
            self.spec,
            now.astimezone(UTC).replace(tzinfo=None),
        )
