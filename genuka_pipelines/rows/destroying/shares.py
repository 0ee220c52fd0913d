"""Divides what a run may destroy among tenants: all of the small, and evenly of the large.

In the order of the table the tenant with the most rows would use up every night's limit, and the
others' rows would stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.destroying.batch import Destroyer
from genuka_pipelines.rows.destroying.target import Target
from genuka_pipelines.rows.destroying.work import ENDS_THE_RUN, Work
from genuka_pipelines.rows.path import tenant_of

K = TypeVar("K", bound=Hashable)


def shared_out(wanted: Mapping[K, int], total: int) -> dict[K, int]:
    """To each what it wants up to one common level, so that the sum is `total`, or all that is wanted."""
    left, found = total, dict[K, int]()
    order = sorted(wanted, key=lambda one: wanted[one])
    for place, one in enumerate(order):
        # Rounded down, so that the last ones, which want the most, get what does not divide.
        found[one] = min(wanted[one], left // (len(order) - place))
        left -= found[one]
    return found


def share_among(works: Sequence[Work], destroyer: Destroyer, total: int) -> None:
    """Give each line its quota of each tenant's share, where the limit will bind."""
    wanted: Counter[str | None] = Counter()
    counted: list[tuple[Work, list[dict[str | None, int]]]] = []
    for work in works:
        try:
            found = [_by_tenant(target, destroyer) for target in work.targets]
        except ENDS_THE_RUN:
            raise
        except GenukaError:
            # The line says so itself when it is worked on.
            continue
        counted.append((work, found))
        for each in found:
            wanted.update(each)
    if wanted.total() <= total:
        return
    left = shared_out(wanted, total)
    for work, found in counted:
        work.quotas = []
        for each in found:
            quota = {tenant: min(rows, left[tenant]) for tenant, rows in each.items()}
            for tenant, rows in quota.items():
                left[tenant] -= rows
            work.quotas.append(quota)


def _by_tenant(target: Target, destroyer: Destroyer) -> dict[str | None, int]:
    fate = target.fate(destroyer.holds(destroyer.house.control.holds.live(destroyer.clock())))
    tenant = tenant_of(target.table).label("tenant")
    chosen = fate.blanked if target.meanwhile else fate.goes
    inner = sa.select(tenant).select_from(target.table.sql).where(chosen).subquery()
    query = sa.select(inner.c.tenant, sa.func.count().label("number")).group_by(inner.c.tenant)
    return {row.tenant: row.number for row in target.table.home.database.rows(query)}
