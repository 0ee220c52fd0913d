"""One backup of one owner, read back: the rows of its chain, streamed, and proved to be those that were there.

Rows are told from each other by their hashes alone, so a reader that took the chain in the wrong order, or
one pack too few, would give back a table that never was; what its rows add up to is compared at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from genuka_pipelines.backups.calendar import LONGEST, Epoch, begun, epoch_of
from genuka_pipelines.backups.digest import HASH, PREFIX, Digest, RowHasher
from genuka_pipelines.backups.errors import BackupDamaged, NoSuchBackup, NotTheSame
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.sealed import open_manifest, open_pack
from genuka_pipelines.backups.restoring.fetching import Fetcher

if TYPE_CHECKING:
    from genuka_pipelines.backups.format.manifest import Manifest, Pack, PlaceState, Section, TableState
    from genuka_pipelines.backups.owner import Owner
    from genuka_pipelines.backups.vault.vault import Vault
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.systems.dump import Definition

_ROWS = ("base", "rows")


@dataclass(frozen=True, order=True)
class Where:
    """A database as manifests know it: its system, and whether it is the owner's own."""

    system: str
    own: bool = False

    @property
    def name(self) -> str:
        """`genuka_database`, or `genuka_database.own`."""
        return f"{self.system}.own" if self.own else self.system


@dataclass(frozen=True)
class Run:
    """Rows of one table, in blocks of whole lines without the owner's prefix; to be used up before the next run."""

    where: Where
    table: str
    columns: tuple[str, ...]
    blocks: Iterator[bytes] = field(repr=False)


Wanted = Collection[tuple[Where, str]]


class Backup:
    """An owner's backup with its chain. KeyShredded, NoSuchBackup, UnknownFormat or BackupDamaged where it is none."""

    def __init__(self, fetcher: Fetcher, vault: Vault, keyring: Keyring, owner: Owner, backup: str) -> None:
        self.owner, self.name = owner, backup
        self._fetcher, self._verify = fetcher, keyring.verify
        self._kept: dict[str, bytes] = {}
        self._key = vault.reading(owner.id, epoch_of(backup))
        self.manifest = self._manifest(backup)
        if self.manifest.tenant != owner.tenant:
            raise BackupDamaged(f"backup {backup} of {owner.id} is said to be another's: take the other region's")

    @cached_property
    def chain(self) -> tuple[Manifest, ...]:
        """Every manifest that a restore needs, newest first."""
        return (self.manifest, *(self._manifest(name) for name in reversed(self.manifest.chain)))

    @property
    def places(self) -> Mapping[Where, PlaceState]:
        """Its databases."""
        return {Where(place.system, place.own): place for place in self.manifest.places}

    def tables(self) -> Mapping[tuple[Where, str], TableState]:
        """Every table as it stood."""
        return {(where, table.name): table for where, place in self.places.items() for table in place.tables}

    def definition(self, where: Where) -> Definition:
        """What makes a database again. BackupDamaged where the chain lacks it."""
        from genuka_pipelines.systems.dump import Definition

        name = self.places[where].definition
        lines = self._lines(name, "definition", lambda place, _: place == where)
        if not lines:
            raise BackupDamaged(f"backup {name} of {self.owner.id} lacks the definition of {where.name}")
        return Definition.read(line.decode() for line in lines)

    def media(self, system: str) -> list[bytes]:
        """The lines of the list of an owner's objects in a store, as they were captured."""
        state = next((one for one in self.manifest.media if one.system == system), None)
        return [] if state is None else self._lines(state.base, "media", lambda _, table: table == system)

    def rows(self, wanted: Wanted | None = None) -> Iterator[Run]:
        """The rows of some tables, or of all: each pack that holds any is read once, and no other.

        Runs of a table come in no order of its own. When all are used up, NotTheSame is raised for a table
        whose rows are not those that were captured. Memory: two packs, one more where a definition was read
        before, and 16 bytes for each row that went.
        """
        tables = self.tables()
        chosen = {key: tables[key] for key in (tables if wanted is None else wanted)}
        proofs = {key: _Proof(self._hasher, self._prefix) for key in chosen}
        for manifest in self.chain:
            gone: dict[tuple[Where, str], list[bytes]] = {}
            for key, section, blocks in self._sections(manifest, chosen):
                if section.kind == "gone":
                    gone.setdefault(key, []).extend(blocks)
                else:
                    yield Run(*key, chosen[key].columns, proofs[key].kept(blocks))
            for key, prefixes in gone.items():
                proofs[key].without(b"".join(prefixes))
        wrong = sorted(f"{key[0].name}.{key[1]}" for key, proof in proofs.items() if not proof.proves(chosen[key]))
        if wrong:
            raise NotTheSame(
                f"backup {self.name} of {self.owner.id} does not give back what was captured of {', '.join(wrong)}: "
                "verify it, and restore an earlier one meanwhile"
            )

    @property
    def _hasher(self) -> RowHasher:
        return RowHasher(bytes.fromhex(self.manifest.row_key))

    @property
    def _prefix(self) -> bytes:
        return prefix_of(self.owner.tenant)

    def _manifest(self, name: str) -> Manifest:
        key = layout.manifest(name, self.owner.id)

        def read(data: bytes) -> Manifest:
            manifest = open_manifest(self._key, data, key, self._verify)
            if (manifest.backup, manifest.owner) != (name, self.owner.id):
                raise BackupDamaged(f"{key} holds another backup's manifest: take the other region's")
            return manifest

        return self._fetcher.read(key, read)

    def _sections(
        self, manifest: Manifest, chosen: Mapping[tuple[Where, str], TableState]
    ) -> Iterator[tuple[tuple[Where, str], Section, Iterator[bytes]]]:
        places = [Where(place.system, place.own) for place in manifest.places]

        def key_of(section: Section) -> tuple[Where, str] | None:
            key = (places[section.place], section.table)
            counts = section.kind in (*_ROWS, "gone") and key in chosen and manifest.backup >= chosen[key].base
            return key if counts else None

        for section, blocks in self._read(manifest, lambda section: key_of(section) is not None):
            key = key_of(section)
            if key is not None:
                yield key, section, blocks

    def _read(
        self, manifest: Manifest, wanted: Callable[[Section], bool], *, keep: bool = False
    ) -> Iterator[tuple[Section, Iterator[bytes]]]:
        """The sections of the packs that hold a wanted one; the next pack comes while one is read."""
        packs = [pack for pack in manifest.packs if any(map(wanted, pack.sections))]
        with ThreadPoolExecutor(1, thread_name_prefix="pack") as aside:
            coming = deque(aside.submit(self._pack, manifest, pack, keep=keep) for pack in packs[:1])
            for number, pack in enumerate(packs):
                data = coming.popleft().result()
                coming.extend(
                    aside.submit(self._pack, manifest, one, keep=keep) for one in packs[number + 1 : number + 2]
                )
                yield from open_pack(self._key, data, pack, self._pack_key(manifest, pack))

    def _lines(self, backup: str, kind: str, of: Callable[[Where, str], bool]) -> list[bytes]:
        manifest = next((one for one in self.chain if one.backup == backup), None) or self._manifest(backup)
        places = [Where(place.system, place.own) for place in manifest.places]

        def wanted(section: Section) -> bool:
            where = places[section.place] if section.place < len(places) else Where("")
            return section.kind == kind and of(where, section.table)

        found = [b"".join(blocks) for section, blocks in self._read(manifest, wanted, keep=True) if wanted(section)]
        return b"".join(found).splitlines()

    def _pack(self, manifest: Manifest, pack: Pack, *, keep: bool = False) -> bytes:
        """A pack's bytes. The last that is to be kept is given once more: rows lie beside a definition."""
        key = self._pack_key(manifest, pack)
        kept = self._kept.pop(key, None)
        data = kept if kept is not None else self._fetcher.get(key, pack.bytes, pack.sha256)
        if keep:
            self._kept = {key: data}
        return data

    def _pack_key(self, manifest: Manifest, pack: Pack) -> str:
        return layout.pack(manifest.epoch, self.owner.id, pack.name)


class _Proof:
    """What the rows of one table add up to, and which hashes are gone."""

    def __init__(self, hasher: RowHasher, prefix: bytes) -> None:
        self._hasher, self._lead = hasher, prefix + b"\t"
        self._gone: Any = None
        self._rows, self._digest = 0, Digest()

    def without(self, prefixes: bytes) -> None:
        """Rows of earlier backups with these hashes are no more."""
        import numpy as np

        if not prefixes:
            return
        more = np.frombuffer(prefixes, dtype=f"S{PREFIX}")
        self._gone = np.sort(more if self._gone is None else np.concatenate((self._gone, more)))

    def kept(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks without the rows that are gone."""
        for block in blocks:
            lines = block.split(b"\n")
            lines.pop()
            lead = self._lead
            hashes = self._hasher.hashes([lead + line for line in lines])
            if self._gone is not None:
                there = self._there(hashes)
                if len(there) < len(lines):
                    lines = [lines[place] for place in there]
                    hashes = b"".join(hashes[HASH * place : HASH * (place + 1)] for place in there)
                    block = b"\n".join((*lines, b"")) if lines else b""
            self._rows += len(lines)
            self._digest += Digest.of(hashes)
            if block:
                yield block

    def proves(self, state: TableState) -> bool:
        """Whether what passed is what was captured."""
        return (self._rows, self._digest.hex) == (state.rows, state.digest)

    def _there(self, hashes: bytes) -> list[int]:
        import numpy as np

        mine = np.frombuffer(hashes, dtype=np.uint8).reshape(-1, HASH)[:, :PREFIX]
        found = np.ascontiguousarray(mine).view(f"S{PREFIX}").ravel()
        place = np.minimum(np.searchsorted(self._gone, found), len(self._gone) - 1)
        return [int(at) for at in np.flatnonzero(self._gone[place] != found)]


def prefix_of(tenant: str | None) -> bytes:
    r"""What leads every row of an owner in the text that is hashed: the tenant as a field, or `\N`."""
    if tenant is None:
        return rb"\N"
    text = tenant.encode()
    for mark, spelled in ((b"\\", rb"\\"), (b"\t", rb"\t"), (b"\n", rb"\n"), (b"\r", rb"\r")):
        text = text.replace(mark, spelled)
    return text


def backups_of(fetcher: Fetcher, owner: str, now: datetime) -> list[str]:
    """Every backup of an owner (its id) that a region holds, oldest first: by looking, not by remembering."""
    found: set[str] = set()
    epoch = Epoch.at(now)
    while epoch.ends > now - LONGEST:
        prefix = f"{layout.of_owner(epoch, owner)}m/"
        found |= {key.removeprefix(prefix) for key in fetcher.keys(prefix)}
        epoch = Epoch.at(epoch.begins - (epoch.ends - epoch.begins) / 2)
    return sorted(found)


def newest_of(fetcher: Fetcher, owner: Owner, now: datetime, *, until: datetime | None = None) -> str:
    """The newest backup of an owner, or the newest begun by a moment. NoSuchBackup where there is none."""
    found = [name for name in backups_of(fetcher, owner.id, now) if until is None or begun(name) <= until]
    if not found:
        raise NoSuchBackup(f"no region holds a backup of {owner.id}: look whether that is a tenant of yours")
    return found[-1]
