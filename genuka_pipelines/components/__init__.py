"""YAML to assets and checks: a thin skin over the catalogue, the only place besides schedules that knows Dagster."""

from genuka_pipelines.components.anonymised import AnonymisedTable, Privacy
from genuka_pipelines.components.backups import BackupPlan
from genuka_pipelines.components.category import DataCategory
from genuka_pipelines.components.exports import ExportPlan
from genuka_pipelines.components.ledger import Ledger
from genuka_pipelines.components.processor import Processor
from genuka_pipelines.components.question import Question
from genuka_pipelines.components.quiet import PlannedKeepers, Policy, Procedure, Vocabulary
from genuka_pipelines.components.requests import RequestPlan
from genuka_pipelines.components.sweep import RetentionSweep

__all__ = [
    "AnonymisedTable",
    "BackupPlan",
    "DataCategory",
    "ExportPlan",
    "Ledger",
    "PlannedKeepers",
    "Policy",
    "Privacy",
    "Procedure",
    "Processor",
    "Question",
    "RequestPlan",
    "RetentionSweep",
    "Vocabulary",
]
