"""Everything that is declared, in one value: assets, checks and the report all come from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.evidence import Ledger
from genuka_pipelines.catalog.export import ExportPlan
from genuka_pipelines.catalog.policy import Clause, Plan, PlannedKeepers, Policy
from genuka_pipelines.catalog.procedure import Procedure
from genuka_pipelines.catalog.processor import Processor, System
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy
from genuka_pipelines.catalog.question import Question
from genuka_pipelines.catalog.request import RequestPlan
from genuka_pipelines.catalog.sweep import Sweep
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.catalog.vocabulary import Vocabulary, fideslang_categories
from genuka_pipelines.catalog.yaml_file import YamlFile

KINDS = {
    "AnonymisedTable": AnonymisedTable,
    "BackupPlan": BackupPlan,
    "DataCategory": Category,
    "ExportPlan": ExportPlan,
    "Ledger": Ledger,
    "Policy": Policy,
    "PlannedKeepers": PlannedKeepers,
    "Privacy": Privacy,
    "Processor": Processor,
    "Procedure": Procedure,
    "Question": Question,
    "RequestPlan": RequestPlan,
    "RetentionSweep": Sweep,
    "Vocabulary": Vocabulary,
}
"""The component types that a `defs.yaml` may name, and the value each one is."""

Fact = (
    AnonymisedTable
    | BackupPlan
    | Category
    | ExportPlan
    | Ledger
    | Policy
    | PlannedKeepers
    | Privacy
    | Processor
    | Procedure
    | Question
    | RequestPlan
    | Sweep
    | Vocabulary
)


@dataclass(frozen=True)
class Catalog:
    """The declared facts of one deployment, keyed by the folder that declares them.

    A category's key is `<product>/<category>`; clauses, systems and published tables are found by their own
    names. `privacy` is None where nothing is published.
    """

    root: Path
    vocabulary: Vocabulary
    policies: Mapping[str, Policy]
    planned: Mapping[str, Plan]
    processors: Mapping[str, Processor]
    categories: Mapping[str, Category]
    procedures: Mapping[str, Procedure]
    questions: Mapping[str, Question]
    ledgers: Mapping[str, Ledger]
    sweeps: Mapping[str, Sweep] = field(default_factory=dict)
    backups: Mapping[str, BackupPlan] = field(default_factory=dict)
    exports: Mapping[str, ExportPlan] = field(default_factory=dict)
    requests: Mapping[str, RequestPlan] = field(default_factory=dict)
    published: Mapping[str, AnonymisedTable] = field(default_factory=dict)
    privacy: Privacy | None = None
    files: Mapping[str, YamlFile] = field(default_factory=dict, compare=False, repr=False)

    @property
    def clauses(self) -> dict[str, Clause]:
        """Every clause of every policy, in order."""
        return {clause.id: clause for policy in self.policies.values() for clause in policy.clauses}

    @property
    def systems(self) -> dict[str, System]:
        """Every system of every provider."""
        return {name: system for provider in self.processors.values() for name, system in provider.systems.items()}

    def provider_of(self, system: str) -> str:
        """The key of the provider that runs a system."""
        return next(key for key, provider in self.processors.items() if system in provider.systems)

    @property
    def classifications(self) -> frozenset[str]:
        """The words a column may be classified with."""
        return fideslang_categories() | frozenset(self.vocabulary.classifications)

    def tables(self, system: str | None = None) -> Iterator[tuple[str, str, Table]]:
        """(category key, table name, table), of one system or of all."""
        for key, category in self.categories.items():
            if system is None or category.system == system:
                for name, table in category.tables.items():
                    yield key, name, table

    def table(self, system: str, name: str) -> Table | None:
        """The declaration of one table of a system."""
        return next((table for _, found, table in self.tables(system) if found == name), None)
