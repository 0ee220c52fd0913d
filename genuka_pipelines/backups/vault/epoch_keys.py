"""The key of an epoch as it is found again: in whichever version opens, and where there came to be two, either.

It is locked for as long as what it opens; so what hides or covers it takes nothing away, if it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from genuka_pipelines.keys.envelope import EpochKey, Place, TenantKey
from genuka_pipelines.keys.errors import Undecryptable
from genuka_pipelines.stores.errors import CorruptObject, NoSuchObject

if TYPE_CHECKING:
    from genuka_pipelines.backups.calendar import Epoch
    from genuka_pipelines.stores.store import Store, Stored


class EitherKey(EpochKey):
    """The keys of one epoch of an owner that got two, from processes that could not see each other."""

    __slots__ = ("_keys",)

    def __init__(self, keys: tuple[EpochKey, ...]) -> None:
        super().__init__(keys[0].tenant, keys[0].epoch, keys[0]._secret)
        self._keys = keys

    def open(self, data: bytes, place: Place, name: str) -> bytes:
        """What either opens."""
        for key in self._keys[:-1]:
            with suppress(Undecryptable):
                return key.open(data, place, name)
        return self._keys[-1].open(data, place, name)


def opened_epoch(tenant: TenantKey, epoch: Epoch, store: Store, versions: Iterable[Stored]) -> EpochKey:
    """An epoch's key in the newest version that opens: what hides or covers a locked one leaves it there."""
    trouble: Exception = NoSuchObject("every version of it is hidden")
    for one in versions:
        if not one.marker:
            try:
                return tenant.open_epoch(epoch.name, store.get(one.key, version=one.version), one.key)
            except (NoSuchObject, CorruptObject, Undecryptable) as error:
                trouble = error
    raise trouble
