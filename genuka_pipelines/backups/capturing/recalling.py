"""Learns again, from the stores alone, what a lost state knew: who was backed up last, and what that adds up to.

Without it a machine that is new, or lost its disk, would write everything once more into locked storage.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.errors import KeyShredded, NoSuchBackup
from genuka_pipelines.backups.owner import Owner
from genuka_pipelines.backups.restoring.opening import Reach
from genuka_pipelines.backups.restoring.reading import Backup

if TYPE_CHECKING:
    from genuka_pipelines.backups.capturing.state import State
    from genuka_pipelines.backups.house import Backupable


def recall(house: Backupable, state: State, now: datetime) -> int:
    """Teach an empty state the newest backup of each owner in this epoch; how many there were.

    The row index is not learned: each table is then read against its digest, and where that is the same nothing
    is written. One manifest an owner is read.
    """
    reach = Reach.of(house, now)
    try:
        night = reach.night()
    except NoSuchBackup:
        return 0
    if night.epoch != Epoch.at(now):
        return 0
    learned = 0
    for owner, newest in night.owners.items():
        with suppress(KeyShredded):
            if newest.backup is not None:
                one = Owner(night.tenants.get(owner), owner)
                state.learn(Backup(reach.fetcher, reach.vault, house.keyring, one, newest.backup).manifest)
                learned += 1
    return learned
