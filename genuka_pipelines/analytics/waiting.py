"""Which releases wait for nothing but to be made: periods that settled, were staged since, and are not there.

A night that was missed would otherwise be missed for ever: a schedule asks for its own day alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from genuka_pipelines.analytics.asked import Asked, House
from genuka_pipelines.catalog.lineage import parents_of
from genuka_pipelines.catalog.published import ANALYTICS

PATIENCE = timedelta(hours=6)
"""So long after it settled a period is left to its schedule."""


@dataclass(frozen=True)
class Waiting:
    """A release that could be made now."""

    table: str
    period: str
    spec: str


def waiting(house: House, staged_at: Callable[[str], datetime | None], *, now: datetime) -> Iterator[Waiting]:
    """Every release that waits; `staged_at` gives when a staged table, by its asset's key, was last made."""
    from genuka_pipelines.analytics.publishing.completeness import due
    from genuka_pipelines.analytics.releases.calendar import settled_at, span
    from genuka_pipelines.analytics.releases.spec import spec_in

    catalog = house.catalog
    if catalog.privacy is None:
        return
    for name, table in catalog.published.items():
        staged = staged_at(parents_of(catalog, ANALYTICS + name)[0])
        if staged is None:
            continue
        released = {slot.period for slot in Asked(house, ANALYTICS + name, now).released}
        keyed = catalog.privacy.units[table.protects].keyed
        for period in due(table, released, now):
            begins, settled = span(period)[0], settled_at(period, table.settles)
            gone = keyed is not None and (now.astimezone(UTC).date() - begins).days >= keyed
            ready = staged >= settled and now >= settled + PATIENCE and begins >= catalog.privacy.begins
            if ready and not gone and period not in released:
                yield Waiting(name, period, spec_in(catalog, name))
