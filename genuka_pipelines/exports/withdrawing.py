"""The end of a delivery: its object destroyed, then written down, in its time or before it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.control import DeliveryUnknown
from genuka_pipelines.exports.creating import kept_in
from genuka_pipelines.stores.errors import NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.exports.house import Exporting


def withdraw(house: Exporting, delivery: str, *, now: datetime) -> bool:
    """Destroy a delivered archive, every version of it; False where that was done before. DeliveryUnknown."""
    known = house.control.deliveries.get(delivery)
    if known is None:
        raise DeliveryUnknown("no delivery has this id")
    store = house.store(kept_in(house, now)[0])
    with suppress(NoSuchObject):
        for one in [one for one in store.list(known.key, versions=True) if one.key == known.key]:
            store.delete(one.key, version=one.version)
    return house.control.deliveries.expire(delivery, now=now)


def expire(house: Exporting, *, now: datetime) -> int:
    """Withdraw every delivery whose time is over; how many."""
    return sum(withdraw(house, one.id, now=now) for one in house.control.deliveries.over(now))
