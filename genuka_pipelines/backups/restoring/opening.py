"""From what somebody asks for to the backups that hold it, found in the regions alone.

The machine that made them may be what was lost; so nothing is looked up but keys and objects.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.calendar import LONGEST, Epoch, backup_id, begun
from genuka_pipelines.backups.errors import BackupDamaged, KeyShredded, NoSuchBackup
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.night import Night, read_night
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.regions.opened import stores_of
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.plan import Plan, Scope, plan
from genuka_pipelines.backups.restoring.reading import Backup, newest_of
from genuka_pipelines.backups.vault.vault import Vault

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable


@dataclass(frozen=True)
class Opened:
    """Backups that open, of one owner or of all. `night` saw every owner; `missing` are ids of owners without one."""

    scope: Scope
    backups: tuple[Backup, ...]
    night: datetime | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reach:
    """What is needed to open backups: regions in the order in which they are asked, keys, and the moment."""

    house: Backupable = field(repr=False)
    fetcher: Fetcher = field(repr=False)
    vault: Vault = field(repr=False)
    now: datetime

    @classmethod
    def of(cls, house: Backupable, now: datetime, *, first: str | None = None, alone: bool = False) -> Reach:
        """Every region of the house, the one named first; or that one alone, as if the others were lost."""
        found = stores_of(house)
        if first is not None and first not in found:
            raise NoSuchBackup(f"'{first}' is no region that answers: it is one of {', '.join(found)}")
        names = [name for name in found if name == first] if alone else sorted(found, key=lambda name: name != first)
        ordered = {name: found[name] for name in names}
        return cls(house, Fetcher(ordered), Vault(house.keyring, ordered, house.control.ledger), now)

    def backup(self, owner: Owner, at: str | None = None) -> Backup:
        """The newest backup of an owner, or the newest of a night and before. NoSuchBackup, KeyShredded."""
        until = None if at is None else begun(at)
        name = newest_of(self.fetcher, owner, self.now, until=until)
        return Backup(self.fetcher, self.vault, self.house.keyring, owner, name)

    def night(self, at: str | None = None) -> Night:
        """The newest night that began before now, or one by its name. NoSuchBackup where no region holds it."""
        last = backup_id(self.now)
        names = [name for name in self._nights() if name <= last] if at is None else [at]
        if not names:
            raise NoSuchBackup("no region holds a night: look whether these are the right stores")
        key, keys = layout.night(names[0]), self.house.keyring

        def read(data: bytes) -> Night:
            night = read_night(data, key, root=keys.root, verify=keys.verify)
            if night.backup != names[0]:
                raise BackupDamaged(f"{key} is the manifest of another night: take the other region's")
            return night

        return self.fetcher.read(key, read)

    def _nights(self) -> list[str]:
        epoch = Epoch.at(self.now)
        while epoch.ends > self.now - LONGEST:
            prefix = f"{layout.of_epoch(epoch)}n/"
            found = sorted((key.removeprefix(prefix) for key in self.fetcher.keys(prefix)), reverse=True)
            if found:
                return found
            epoch = Epoch.at(epoch.begins - (epoch.ends - epoch.begins) / 2)
        return []


def opened_backups(reach: Reach, scope: Scope, *, tenant: str | None = None, at: str | None = None) -> Opened:
    """The backups of a scope, as of a night or the newest. A tenant for `tenant`, perhaps one for `table`."""
    if scope != "everything":
        if (scope == "tenant") != (tenant is not None) and scope != "table":
            raise NoSuchBackup("a restore of a tenant names one, and one of the platform names none")
        return Opened(scope, (reach.backup(owner_of(tenant, reach.house.keyring), at),))
    night = reach.night(at)
    found, missing = [], []
    for owner, state in night.owners.items():
        if state.backup is None:
            missing.append(owner)
            continue
        try:
            one = Owner(night.tenants.get(owner), owner)
            found.append(Backup(reach.fetcher, reach.vault, reach.house.keyring, one, state.backup))
        except KeyShredded:
            missing.append(owner)
    return Opened(scope, tuple(found), night.created, tuple(missing))


def plan_of(opened: Opened, *, table: str | None = None, systems: Collection[str] | None = None) -> Plan:
    """The plan of a restore of opened backups."""
    return plan(
        opened.backups,
        scope=opened.scope,
        table=table,
        systems=systems,
        night=opened.night,
        missing=opened.missing,
    )
