"""A small made-up tenant, written by hand through the real pack, vault and putting: a base and two deltas.

What the rows are is told here by sets, so that a reader is compared with what was meant and not with itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from genuka_pipelines.backups.calendar import Epoch, backup_id
from genuka_pipelines.backups.capturing.putting import Putting
from genuka_pipelines.backups.digest import PREFIX, Digest, RowHasher, row_key
from genuka_pipelines.backups.format.fragment import Fragment, Heading, fragment
from genuka_pipelines.backups.format.manifest import Kind, Manifest, MediaState, PlaceState, TableState
from genuka_pipelines.backups.format.night import Night, OwnerState
from genuka_pipelines.backups.format.pack import packs
from genuka_pipelines.backups.owner import Owner, owner_of
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.keys import Keyring, RootKey, open_keyring
from genuka_pipelines.stores.folder.store import FolderStore
from tests.servers import fresh_control

TENANT = "boutique L'Été 🌍\t\\N"
LEAD = rb"boutique L'\xc3\x89t\xc3\xa9".decode("unicode_escape").encode("latin-1") + b" \xf0\x9f\x8c\x8d\\t\\\\N\t"
SHARED, OWN = ("genuka_database", False), ("genuka_database", True)
Rows = Mapping[tuple[tuple[str, bool], str], frozenset[bytes]]
ORDERS = frozenset(b'%d\tCmd n\xc2\xb0 %d\t\\N\t{"a":[1,2]}' % (n, n) for n in range(300))
NIGHTS: tuple[Rows, ...] = (
    {
        (SHARED, "orders"): ORDERS,
        (SHARED, "l'été/../x"): frozenset({b"1\tl\\\\un\\n", b"2\t\\N", b""}),
        (SHARED, "empty"): frozenset(),
        (OWN, "orders"): frozenset({b"1\t-infinity\t0044-03-15 BC"}),
    },
    {
        (SHARED, "orders"): (ORDERS - {b"7\tCmd n\xc2\xb0 7\t\\N\t{\"a\":[1,2]}"}) | {b"300\tnew\t\\N\t{}"},
        (SHARED, "l'été/../x"): frozenset({b"1\tl\\\\un\\n", b"3\t\xf0\x9f\x8c\x8d"}),
        (SHARED, "empty"): frozenset(),
        (OWN, "orders"): frozenset(),
    },
    {
        # Back again, and gone again; the other table is written whole, as after a change of its columns.
        (SHARED, "orders"): ORDERS - {b"9\tCmd n\xc2\xb0 9\t\\N\t{\"a\":[1,2]}"},
        (SHARED, "l'été/../x"): frozenset({b"1\tl\\\\un\\n\tx"}),
        (SHARED, "empty"): frozenset({b"first"}),
        (OWN, "orders"): frozenset({b"1\t-infinity\t0044-03-15 BC"}),
    },
)  # fmt: skip
WHOLE = {("l'été/../x", 2)}
"""Which table is written whole in which later night."""


@dataclass
class Small:
    """Who wrote it, where, and what each night was called."""

    folder: Path
    keyring: Keyring
    control: Control
    stores: Mapping[str, FolderStore]
    nights: list[str] = field(default_factory=list)
    limit: int = 1500

    @property
    def owner(self) -> Owner:
        return owner_of(TENANT, self.keyring)

    @property
    def vault(self) -> Vault:
        return Vault(self.keyring, self.stores, self.control.ledger)

    def write(self, when: datetime) -> None:
        """The next night of NIGHTS."""
        number, backup = len(self.nights), backup_id(when)
        now, before = NIGHTS[number], NIGHTS[number - 1] if number else {}
        hasher, bases = RowHasher(row_key(self.keyring)), {}
        texts = [_text(0, "", "definition", [b'{"product":"postgresql"}'])] if not number else []
        texts += [_text(0, "media", "media", [b'{"key":"m/1.png","sha256":"%s"}' % (b"0" * 64)])] if not number else []
        places: dict[tuple[str, bool], list[TableState]] = {SHARED: [], OWN: []}
        for (where, table), rows in now.items():
            place, old = list(places).index(where), before.get((where, table))
            base = number if old is None or (table, number) in WHOLE else 0
            bases[where, table] = self.nights[base] if base < number else backup
            if base == number:
                texts.append(_text(place, table, "base", sorted(rows)))
            elif old is not None:
                texts += [_text(place, table, "rows", sorted(rows - old))] if rows - old else []
                lost = [hasher.hashes([LEAD + row])[:PREFIX] for row in sorted(old - rows)]
                texts += [fragment([(Heading(place, table, "gone"), len(lost), lost)])] if lost else []
            digest = sum((Digest.of(hasher.hashes([LEAD + row])) for row in rows), Digest())
            places[where].append(
                TableState(name=table, columns=("id", "é"), rows=len(rows), digest=digest.hex, base=bases[where, table])
            )
        first = self.nights[0] if self.nights else backup
        manifest = Manifest(
            backup=backup, owner=self.owner.id, tenant=TENANT, parent=self.nights[-1] if number else None,
            chain=tuple(self.nights), created=when, packs=(), row_key=row_key(self.keyring).hex(), tenant_key="",
            places=tuple(
                PlaceState(
                    system=system, own=own, server=("postgresql", "18"), snapshot="1:1:", taken_at=when,
                    definition=first, tables=tuple(tables), sequences={"orders_id_seq": "301"},
                )
                for (system, own), tables in places.items()
            ),
            media=(MediaState(system="media", objects=1, bytes=9, digest="0" * 64, base=first),),
        )  # fmt: skip
        for store in self.stores.values():
            self._put(manifest, texts, store)
        self.nights.append(backup)
        owners = {self.owner.id: OwnerState(backup=backup, captured=True)}
        night = Night(
            backup=backup, created=when, finished=when, owners=owners, tenants={self.owner.id: TENANT},
            row_key=row_key(self.keyring).hex(),
        )  # fmt: skip
        for store in self.stores.values():
            with Putting(store) as putting:
                putting.night(night, self.keyring)

    def _put(self, manifest: Manifest, texts: list[Fragment], store: FolderStore) -> None:
        writing = self.vault.writing(self.owner.id, manifest.epoch, store)
        with Putting(store, workers=2) as putting:
            put = [putting.pack(writing, packed) for packed in packs(texts, limit=self.limit)]
            whole = manifest.model_copy(
                update={"packs": tuple(one.result()[0] for one in put), "tenant_key": writing.tenant_key}
            )
            putting.manifest(whole, [writing.named, *(one.result()[1] for one in put)], writing, self.keyring)


def _text(place: int, table: str, kind: Kind, rows: list[bytes]) -> Fragment:
    return fragment([(Heading(place, table, kind), len(rows), [row + b"\n" for row in rows])])


@contextmanager
def small(folder: Path) -> Iterator[Small]:
    """The three nights, in two folders `france` and `usa`, all within this epoch."""
    with fresh_control() as url, open_control(url.render_as_string(hide_password=False)) as control:
        escrow, file = RootKey.generate(), folder / "recipients"
        escrow.save(folder / "escrow.age")
        file.write_text(f"# the notary\n{escrow.recipient}\n")
        file.chmod(0o440)
        keyring = open_keyring(folder / "keys", create=True, given={"escrow": file})
        stores = {name: FolderStore(folder / name, name=name, create=True) for name in ("france", "usa")}
        made = Small(folder, keyring, control, stores)
        for number in range(3):
            made.write(Epoch.at(datetime.now(UTC)).begins + timedelta(days=number, minutes=45))
        yield made
