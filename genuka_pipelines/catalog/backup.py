"""The backup plan as a declared thing: what is copied where, and what each proof keeps.

A region or a database that only a command line named would be missed on the night nobody types it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.value import ClauseId, Identifier, Value, Words

BackupCheck = Literal[
    "every_tenant",
    "rows_plausible",
    "complete",
    "locked",
    "readable",
    "refuses_deletion",
    "none_over_twelve_months",
    "in_declared_place",
    "restored_equals_source",
    "erased_stay_erased",
    "every_tenant_within_30_days",
]

Part = Literal["capture", "region", "drill"]
ASKED_OF: Mapping[BackupCheck, Part] = {
    "every_tenant": "capture",
    "rows_plausible": "capture",
    "complete": "region",
    "locked": "region",
    "readable": "region",
    "refuses_deletion": "region",
    "none_over_twelve_months": "region",
    "in_declared_place": "region",
    "restored_equals_source": "drill",
    "erased_stay_erased": "drill",
    "every_tenant_within_30_days": "drill",
}
"""Which asset each question is put to; a region is one asset for each store."""
BACKUPS = "backups/"
"""Before the last part of an asset's key."""


class Recovery(Value):
    """The declared objectives: how long one tenant's restore may take, and how old its newest backup may be."""

    tenant_minutes: int = Field(ge=1)
    newest_hours: int = Field(default=30, ge=1)


class BackupPlan(Value):
    """Every tenant and the platform, each night, in every region.

    `regions` maps the last part of an asset's key (`france`) to the system of a store; the first is written
    first. `databases`, `media` and `scratch`, where restores are tried, are systems. Fewer rows than
    `fewer_rows` percent of the night before, where there were more than `few_rows`, alarm. A tenant's keys
    are destroyed `shredded_after` its end at the earliest. `clauses` says what each proof keeps.
    """

    title: Words
    databases: tuple[Identifier, ...] = Field(min_length=1)
    media: tuple[Identifier, ...] = ()
    regions: dict[Identifier, Identifier] = Field(min_length=2)
    scratch: Identifier
    recovery: Recovery
    drilled_within: Period = Period("P30D")
    shredded_after: Period = Period("P30D")
    fewer_rows: int = Field(default=50, ge=1, le=100)
    few_rows: int = Field(default=1000, ge=0)
    clauses: dict[BackupCheck, tuple[ClauseId, ...]] = Field(default_factory=dict)

    def assets_of(self, check: BackupCheck) -> tuple[str, ...]:
        """The keys of the assets that a question is put to."""
        part = ASKED_OF[check]
        return tuple(BACKUPS + name for name in (self.regions if part == "region" else (part,)))

    @model_validator(mode="after")
    def _regions_apart(self) -> BackupPlan:
        if len(set(self.regions.values())) < len(self.regions):
            raise ValueError("each region of a backup plan is a store of its own; two regions name the same system")
        return self
