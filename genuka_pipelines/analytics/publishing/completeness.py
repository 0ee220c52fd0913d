"""Which periods should be there and are not: a gap nobody asked about can stay one for months.

Gaps are looked for by the calendar alone, never by the rows: that a day had no visit is data.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from genuka_pipelines.analytics.publishing.errata import errata_in, withdrawn
from genuka_pipelines.analytics.publishing.surroundings import Publishing
from genuka_pipelines.analytics.releases.calendar import last_complete, periods, span
from genuka_pipelines.analytics.releases.release import STORE, slot_folder, slots_in
from genuka_pipelines.catalog.published import AnonymisedTable

GRACE = timedelta(days=1)
"""A period that settled at midnight is released later that night: until the next one it is not missing."""


def missing(table: AnonymisedTable, released: Collection[str], now: datetime) -> tuple[str, ...]:
    """The periods between a table's first release and its last complete period that have no release, in order."""
    return tuple(period for period in due(table, released, now) if period not in released)


def due(table: AnonymisedTable, released: Collection[str], now: datetime) -> tuple[str, ...]:
    """The periods from a table's first release to its last complete one; the latter alone before any release."""
    every = table.period.every
    last = last_complete(every, table.settles, now)
    first = min(released, key=span, default=last)
    return tuple(periods(every, span(first)[0], span(last)[0]))


def missing_periods(
    house: Publishing, name: str, now: datetime, released: Collection[str] | None = None
) -> tuple[str, ...]:
    """The same of a table in the store, whatever definition its releases were made by; none before any release.

    A period that is withdrawn in a correction is not missing: it is known, and told, that it will not come.
    `released` are its periods in the store, where they were listed already.
    """
    store = house.store(STORE)
    if released is None:
        released = {slot.period for slot in slots_in(store, slot_folder(name))}
    errata = errata_in(store)
    found = missing(house.catalog.published[name], released, now) if released else ()
    return tuple(period for period in found if not withdrawn(errata, name, period))
