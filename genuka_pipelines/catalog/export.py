"""How tenants' archives are made: how many at once, and what each proof of them keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genuka_pipelines.catalog.value import ClauseId, Value, Words

ExportCheck = Literal["reimports_identically", "one_tenant_only"]
ARCHIVES = "exports/tenant_archive"
"""The asset's key."""


class ExportPlan(Value):
    """The archives that tenants ask for; a tick of the sensor begins `at_once` of them at most."""

    title: Words
    at_once: int = Field(default=2, ge=1)
    clauses: dict[ExportCheck, tuple[ClauseId, ...]] = Field(default_factory=dict)
