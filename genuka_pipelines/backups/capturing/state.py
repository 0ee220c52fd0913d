"""What the next night has to know of the last: each owner's newest backup, and what its tables added up to.

It is written once a night, after everything it speaks of, so a night that was killed leaves the state of
the night before; and it may be forgotten at any time, for a base or the manifests give it back.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from sys import intern

from genuka_pipelines.backups.calendar import backup_id, begun
from genuka_pipelines.backups.digest import Digest
from genuka_pipelines.backups.errors import ClocksApart
from genuka_pipelines.backups.format.manifest import Manifest

VERSION = 3
_FORWARD = timedelta(minutes=5)
PLATFORM = 0
"""The number of the platform; tenants count from 1."""
_TABLES = """
CREATE TABLE IF NOT EXISTS begun (backup TEXT);
CREATE TABLE IF NOT EXISTS owners (number INTEGER PRIMARY KEY, tenant TEXT UNIQUE, backup TEXT, chain TEXT, key TEXT);
CREATE TABLE IF NOT EXISTS shapes (place TEXT, name TEXT, columns TEXT, rows INTEGER, file TEXT,
    PRIMARY KEY (place, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS held (place TEXT, name TEXT, owner INTEGER, rows INTEGER, digest TEXT, base TEXT,
    PRIMARY KEY (place, name, owner)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_by_owner ON held (owner);
CREATE TABLE IF NOT EXISTS objects (key BLOB PRIMARY KEY, seen TEXT, version TEXT, sha256 TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS definitions (place TEXT, owner INTEGER, sha256 TEXT, backup TEXT,
    PRIMARY KEY (place, owner)) WITHOUT ROWID;
"""
_TONIGHT = """
CREATE TEMP TABLE changed (place TEXT, name TEXT, owner INTEGER, rows INTEGER, digest TEXT, base TEXT,
    PRIMARY KEY (owner, place, name)) WITHOUT ROWID;
CREATE TEMP TABLE named (key BLOB PRIMARY KEY, owner INTEGER) WITHOUT ROWID;
CREATE TEMP TABLE failed (owner INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What an owner's chain holds of a table: rows, what they add up to, and the backup in which its chain begins."""

    rows: int
    digest: Digest
    base: str


@dataclass(frozen=True, slots=True)
class Known:
    """An owner's newest backup, those before it that a restore needs, oldest first, and the id of the tenant's key."""

    backup: str
    chain: tuple[str, ...]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Stood:
    """How a table stood: its columns and rows, and the file of its index; None where rows were the same."""

    columns: tuple[str, ...]
    rows: int
    file: str | None


def place_key(system: str, tenant: str | None) -> str:
    """How the state calls a database: of a system the shared one, or a tenant's own."""
    return json.dumps([system, tenant], ensure_ascii=False)


class State:
    """The state in one file, for one run at a time. What a night changes is seen at once, and kept by `commit`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql, self._numbering = connection, threading.Lock()
        self._sql.executescript(_TABLES + _TONIGHT)
        self._numbers: dict[str | None, int] = {None: PLATFORM}
        self._numbers |= {tenant: number for number, tenant in self._sql.execute("SELECT number, tenant FROM owners")}
        self._tenants = {number: tenant for tenant, number in self._numbers.items()}

    def begin(self, now: datetime) -> str:
        """The name of tonight's backup: later than every one ever begun here, also where a clock went back.

        ClocksApart where that would be more than five minutes from now.
        """
        (last,) = self._sql.execute("SELECT max(backup) FROM begun").fetchone()
        moment = max(now, begun(last) + timedelta(seconds=1)) if last else now
        if moment - now > _FORWARD:
            raise ClocksApart(f"the last backup began at {moment}, and it is {now} now: set the clock of this machine")
        with self._sql as sql:
            sql.execute("DELETE FROM begun")
            sql.execute("INSERT INTO begun VALUES (?)", (backup_id(moment),))
        return backup_id(moment)

    def number(self, tenant: str | None) -> int:
        """The number of an owner, given when it is first seen and never again to another."""
        with self._numbering:
            found = self._numbers.get(tenant)
            if found is None:
                found = self._numbers[tenant] = len(self._numbers)
                self._tenants[found] = tenant
            return found

    def tenant(self, number: int) -> str | None:
        """The tenant of a number; None for the platform."""
        return self._tenants[number]

    @property
    def numbers(self) -> Mapping[str | None, int]:
        """The number of every owner ever seen."""
        return self._numbers

    def known(self) -> dict[int, Known]:
        """The newest backup of every owner that has one."""
        found = self._sql.execute("SELECT number, backup, chain, key FROM owners WHERE backup IS NOT NULL")
        # Ten thousand chains name the same few backups.
        return {
            number: Known(intern(backup), tuple(map(intern, json.loads(chain))), key)
            for number, backup, chain, key in found
        }

    def tables(self, place: str) -> dict[str, Stood]:
        """The tables of a place, as they stood."""
        found = self._sql.execute("SELECT name, columns, rows, file FROM shapes WHERE place = ?", (place,))
        return {name: Stood(tuple(json.loads(columns)), rows, file) for name, columns, rows, file in found}

    def places(self) -> set[str]:
        """The places of which anybody's chain holds something."""
        return {place for (place,) in self._sql.execute("SELECT DISTINCT place FROM held")}

    def with_rows(self) -> set[int]:
        """The owners whose chains hold rows, with tonight."""
        found = self._sql.execute(
            """
            SELECT owner FROM changed WHERE rows > 0 UNION
            SELECT owner FROM held WHERE rows > 0 AND NOT EXISTS (
                SELECT 1 FROM changed WHERE changed.owner = held.owner AND changed.place = held.place
                AND changed.name = held.name)
            """
        )
        return {owner for (owner,) in found}

    def name_objects(self, named: Iterable[tuple[bytes, int]]) -> None:
        """Forget whose objects were, and learn it: keyed hashes of what rows name, and their owners' numbers."""
        self._sql.execute("DELETE FROM named")
        self._sql.executemany("INSERT OR IGNORE INTO named VALUES (?, ?)", named)

    def owner_of_object(self, key: bytes) -> int | None:
        """The owner of the row that names this; None where none does."""
        found = self._sql.execute("SELECT owner FROM named WHERE key = ?", (key,)).fetchone()
        return int(found[0]) if found else None

    def object_seen(self, key: bytes, seen: str) -> tuple[str | None, str | None] | None:
        """The version and SHA-256 of an object that still looks as it did."""
        found = self._sql.execute("SELECT version, sha256 FROM objects WHERE key = ? AND seen = ?", (key, seen))
        return found.fetchone()  # type: ignore[no-any-return]

    def see_object(self, key: bytes, seen: str, known: tuple[str | None, str | None]) -> None:
        """Remember an object as it looks, its version and SHA-256."""
        self._sql.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (key, seen, *known))

    def files(self) -> set[str]:
        """The index files that are spoken of."""
        return {file for (file,) in self._sql.execute("SELECT file FROM shapes WHERE file IS NOT NULL")}

    def held(self, place: str, name: str) -> dict[int, Held]:
        """What each owner's chain holds of a table, by owner number."""
        found = self._sql.execute(
            "SELECT owner, rows, digest, base FROM held WHERE place = ? AND name = ?", (place, name)
        )
        return {owner: Held(rows, Digest.parse(digest), base) for owner, rows, digest, base in found}

    def definitions(self, place: str) -> dict[int, tuple[str, str]]:
        """By owner number, the SHA-256 of the place's definition that its chain holds, and the backup that has it."""
        found = self._sql.execute("SELECT owner, sha256, backup FROM definitions WHERE place = ?", (place,))
        return {owner: (sha256, backup) for owner, sha256, backup in found}

    def change(self, place: str, name: str, changes: Iterable[tuple[int, Held | None]]) -> None:
        """What tonight changed of a table, by owner number; None where an owner's chain has it no more."""
        self._sql.executemany(
            "INSERT OR REPLACE INTO changed VALUES (?, ?, ?, ?, ?, ?)",
            (
                (place, name, owner, held.rows, held.digest.hex, held.base)
                if held
                else (place, name, owner, None, None, None)
                for owner, held in changes
            ),
        )

    def unchange(self, place: str) -> None:
        """Forget what tonight changed in a place, since it was not read to its end."""
        self._sql.execute("DELETE FROM changed WHERE place = ?", (place,))

    def changed(self) -> set[int]:
        """The owners of whom tonight changed something."""
        return {owner for (owner,) in self._sql.execute("SELECT DISTINCT owner FROM changed")}

    def of_owner(self, owner: int) -> dict[tuple[str, str], Held]:
        """Everything that an owner's chain holds with tonight, by place and table."""
        found = self._sql.execute(
            """
            SELECT place, name, rows, digest, base FROM changed WHERE owner = :owner AND rows IS NOT NULL
            UNION ALL
            SELECT place, name, rows, digest, base FROM held WHERE owner = :owner AND NOT EXISTS (
                SELECT 1 FROM changed WHERE changed.owner = held.owner AND changed.place = held.place
                AND changed.name = held.name)
            ORDER BY 1, 2
            """,
            {"owner": owner},
        )
        return {(place, name): Held(rows, Digest.parse(digest), base) for place, name, rows, digest, base in found}

    def commit(
        self,
        *,
        captured: Mapping[int, Known],
        failed: Iterable[int],
        places: Mapping[str, Mapping[str, Stood]],
        definitions: Mapping[tuple[str, int], tuple[str, str]],
        begins_anew: Iterable[int] = (),
    ) -> None:
        """Make tonight the last night, all of it or nothing.

        `captured` are the owners whose manifest was written; of those `failed`, what changed tonight must be
        written whole the next time, and of those that `begins_anew` everything. `places` are the databases that
        were read, with all of their tables.
        """
        sql = self._sql
        sql.execute("BEGIN IMMEDIATE")
        with sql:
            sql.executemany(
                "INSERT OR IGNORE INTO owners (number, tenant) VALUES (?, ?)",
                ((number, tenant) for tenant, number in self._numbers.items()),
            )
            sql.executemany(
                "UPDATE owners SET backup = ?, chain = ?, key = ? WHERE number = ?",
                ((known.backup, json.dumps(known.chain), known.key, number) for number, known in captured.items()),
            )
            sql.executemany("UPDATE owners SET backup = NULL WHERE number = ?", ((owner,) for owner in begins_anew))
            sql.executemany("INSERT OR IGNORE INTO failed VALUES (?)", ((owner,) for owner in failed))
            sql.execute(
                """
                DELETE FROM held WHERE EXISTS (SELECT 1 FROM changed WHERE changed.owner = held.owner
                    AND changed.place = held.place AND changed.name = held.name)
                """
            )
            sql.execute(
                """
                INSERT INTO held SELECT place, name, owner, rows, digest, base FROM changed
                WHERE rows IS NOT NULL AND owner NOT IN (SELECT owner FROM failed)
                """
            )
            for place, tables in places.items():
                sql.execute("DELETE FROM shapes WHERE place = ?", (place,))
                sql.executemany(
                    "INSERT INTO shapes VALUES (?, ?, ?, ?, ?)",
                    (
                        (place, name, json.dumps(stood.columns, ensure_ascii=False), stood.rows, stood.file)
                        for name, stood in tables.items()
                    ),
                )
            sql.executemany(
                "INSERT OR REPLACE INTO definitions VALUES (?, ?, ?, ?)",
                ((place, owner, *found) for (place, owner), found in definitions.items()),
            )
            sql.execute("DELETE FROM changed")
            sql.execute("DELETE FROM failed")

    def learn(self, manifest: Manifest) -> None:
        """Take an owner's newest manifest for its state, where the state was lost. The index is not given back:
        the next night reads every table, and writes whole those of which the digest is another.
        """
        owner = self.number(manifest.tenant)
        with self._sql as sql:
            sql.execute(
                "INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?, ?)",
                (owner, manifest.tenant, manifest.backup, json.dumps(manifest.chain), manifest.tenant_key),
            )
            for found in manifest.places:
                place = place_key(found.system, manifest.tenant if found.own else None)
                for table in found.tables:
                    sql.execute(
                        "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?)",
                        (place, table.name, owner, table.rows, table.digest, table.base),
                    )
                    sql.execute(
                        "INSERT OR IGNORE INTO shapes VALUES (?, ?, ?, 0, NULL)",
                        (place, table.name, json.dumps(table.columns, ensure_ascii=False)),
                    )


@contextmanager
def open_state(folder: Path) -> Iterator[State]:
    """The state in a folder; an empty one where there is none, or where it is altered or of another version."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "state.sqlite"
    try:
        connection = _opened(path)
    except sqlite3.DatabaseError:
        forget(folder)
        connection = _opened(path)
    try:
        yield State(connection)
    finally:
        connection.close()


def forget(folder: Path) -> None:
    """Remove the state and every index: the next night writes a base of everything."""
    for path in [*folder.glob("state.sqlite*"), *folder.glob("*.index*")]:
        path.unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if sound != "ok" or (tables and version != VERSION):
            raise sqlite3.DatabaseError(sound)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    path.chmod(0o600)
    return connection
