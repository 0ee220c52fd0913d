"""Restoring: a plan, a quarantine, a proof that it is the same, a gate, and only then a name to use it by."""

from __future__ import annotations

from genuka_pipelines.backups.restoring.opening import Opened, Reach, opened_backups, plan_of
from genuka_pipelines.backups.restoring.plan import Place, Plan, Scope, Target, plan, targets_in
from genuka_pipelines.backups.restoring.restore import Instruction, Restored, discard, restore

__all__ = [
    "Instruction",
    "Opened",
    "Place",
    "Plan",
    "Reach",
    "Restored",
    "Scope",
    "Target",
    "discard",
    "opened_backups",
    "plan",
    "plan_of",
    "restore",
    "targets_in",
]
