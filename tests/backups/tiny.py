"""Owners whose rows are sets of bytes, sealed and put as a night does it, without any database behind them.

A story about keys and objects needs a thousand worlds, and each of them in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from genuka_pipelines.backups.calendar import backup_id, epoch_of
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.digest import PREFIX, Digest, RowHasher, row_key
from genuka_pipelines.backups.format.fragment import Fragment, Heading, fragment
from genuka_pipelines.backups.format.manifest import Kind, Manifest, PlaceState, TableState
from genuka_pipelines.backups.format.pack import packs
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.reading import Backup, prefix_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.control import Control
from genuka_pipelines.keys import Keyring
from genuka_pipelines.rows.house import House
from genuka_pipelines.stores.store import Store
from tests.backups.made import folder
from tests.backups.stories import Dice

SYSTEM, TABLE = "db", "orders"
Rows = frozenset[bytes]


@dataclass
class Tiny:
    """Two regions with the backups of a few owners: by owner's id and backup, the rows that were there."""

    path: Path
    keyring: Keyring
    control: Control
    rows: dict[tuple[str, str], Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.regions: dict[str, Store] = {name: folder(self.path / name, name) for name in ("france", "usa")}

    @property
    def house(self) -> House:
        """As far as the shredding of a key looks at one."""
        return cast("House", self)

    def vault(self, regions: Mapping[str, Store] | None = None) -> Vault:
        return Vault(self.keyring, regions or self.regions, self.control.ledger)

    def owner(self, tenant: str | None) -> Owner:
        return owner_of(tenant, self.keyring)

    def backups(self, owner: Owner) -> list[str]:
        return [backup for known, backup in self.rows if known == owner.id]

    def night(self, owner: Owner, when: datetime, dice: Dice) -> str:
        """A backup of random rows in both regions, told against the one before in its epoch."""
        backup = backup_id(when)
        chain = tuple(one for one in self.backups(owner) if epoch_of(one) == epoch_of(backup))
        before = self.rows[owner.id, chain[-1]] if chain else frozenset()
        kept = {row for row in before if dice.happens(0.7)}
        new = {b"%d\t%s" % (dice.randrange(10**9), prefix_of(owner.tenant)) for _ in range(dice.randint(0, 6))}
        now = self.rows[owner.id, backup] = frozenset(kept | new)
        hasher, lead = RowHasher(row_key(self.keyring)), prefix_of(owner.tenant) + b"\t"
        texts = [_text("rows" if chain else "base", sorted(now - before))]
        gone = [hasher.hashes([lead + row])[:PREFIX] for row in sorted(before - now)]
        texts += [fragment([(Heading(0, TABLE, "gone"), len(gone), gone)])] if gone else []
        digest = sum((Digest.of(hasher.hashes([lead + row])) for row in now), Digest())
        base = chain[0] if chain else backup
        table = TableState(name=TABLE, columns=("id", "whose"), rows=len(now), digest=digest.hex, base=base)
        place = PlaceState(
            system=SYSTEM, own=False, server=("postgresql", "18"), snapshot="1:1:", taken_at=when, definition=base,
            tables=(table,),
        )  # fmt: skip
        manifest = Manifest(
            backup=backup, owner=owner.id, tenant=owner.tenant, parent=chain[-1] if chain else None, chain=chain,
            created=when, places=(place,), packs=(), row_key=row_key(self.keyring).hex(), tenant_key="",
        )  # fmt: skip
        for store in self.regions.values():
            writing = self.vault().writing(owner.id, manifest.epoch, store)
            with Putting(store, workers=1) as putting:
                put = [putting.pack(writing, packed).result() for packed in packs(texts, limit=120)]
                whole = manifest.model_copy(
                    update={"packs": tuple(pack for pack, _ in put), "tenant_key": writing.tenant_key}
                )
                putting.manifest(whole, [writing.named, *(named for _, named in put)], writing, self.keyring)
        return backup

    def read(self, owner: Owner, backup: str, regions: Mapping[str, Store] | None = None) -> Rows:
        """What a restore would be given. Whatever a Backup raises."""
        regions = regions or self.regions
        opened = Backup(Fetcher(regions), self.vault(regions), self.keyring, owner, backup)
        return frozenset(
            line for run in opened.rows() for block in run.blocks for line in block.split(b"\n")[:-1]
        )  # fmt: skip


def _text(kind: Kind, rows: list[bytes]) -> Fragment:
    return fragment([(Heading(0, TABLE, kind), len(rows), [row + b"\n" for row in rows])])
