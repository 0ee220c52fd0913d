"""Tonight's drills: who has their turn, what came of it, and a signed receipt in each region that was read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.backups.drills.drilling import Drilled, drill
from genuka_pipelines.backups.drills.sampling import drillable, sample
from genuka_pipelines.backups.regions import nights
from genuka_pipelines.backups.regions.opened import region_of
from genuka_pipelines.backups.regions.receipts import Receipt, write_receipt
from genuka_pipelines.backups.restoring import Reach

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.catalog.backup import BackupPlan


def drill_night(
    house: Backupable,
    plan: BackupPlan,
    server: sa.URL,
    *,
    clock: Callable[[], datetime],
    least: int = 1,
    progress: Callable[[Drilled], None] = lambda _: None,
) -> tuple[Drilled, ...]:
    """Restore whose turn it is, at least so many, and leave receipts. Errors: see `drill`."""
    now = clock()
    known = drillable(Reach.of(house, now), house.control.ledger)
    within = now - plan.drilled_within.cutoff(now)
    chosen = sample(known, now=now, within=within, regions=list(plan.regions), least=least)
    objective = timedelta(minutes=plan.recovery.tenant_minutes)
    found = drill(house, chosen, server, objective=objective, clock=clock, system=plan.scratch, progress=progress)
    _sign(house, plan, found, clock())
    return found


def _sign(house: Backupable, plan: BackupPlan, found: tuple[Drilled, ...], now: datetime) -> None:
    by_region: dict[str, list[Drilled]] = defaultdict(list)
    for one in found:
        by_region[one.region].append(one)
    for name, drilled in by_region.items():
        region = region_of(house, plan, name)
        newest = nights.newest(region, verify=house.keyring.verify, now=now)
        if newest is not None:
            counts = {
                "drilled": len(drilled),
                "failed": sum(one.failed is not None for one in drilled),
                "late": sum(one.late for one in drilled),
                "planted": sum(one.planted or 0 for one in drilled),
                "rows": sum(one.rows for one in drilled),
            }
            receipt = Receipt(what="drilled", backup=newest.backup, region=name, at=now, counts=counts)
            write_receipt(region, receipt, house.keyring.signing)
