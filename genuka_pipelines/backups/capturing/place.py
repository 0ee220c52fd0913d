"""One database read to its end: a consistent snapshot, its tables by several workers, its definition.

All or nothing: where a single table cannot be read, nothing of the database counts, as its rows belong
together; what was read of it is forgotten, and every other database goes on.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.backups.capturing.index import RowIndex, RowsRepeated
from genuka_pipelines.backups.capturing.state import Held, State, Stood, place_key
from genuka_pipelines.backups.capturing.table import IndexLies, Read, Reading, TableReader
from genuka_pipelines.backups.capturing.whose import Whose, whose
from genuka_pipelines.backups.errors import CannotCapture, IndexUnusable
from genuka_pipelines.backups.format.fragment import Fragment, Heading, fragment

if TYPE_CHECKING:
    from genuka_pipelines.rows.declared import Home
    from genuka_pipelines.systems.dump import Dump, Shape

Progress = Callable[[str, str, int], None]
"""Told of each table that was read: the system, the table, its rows. Called from several threads."""


@dataclass(frozen=True, eq=False)
class Place:
    """A database: its number among the places of an owner's manifest, its system, and whose own it is, if anyone's."""

    number: int
    system: str
    tenant: str | None
    home: Home = field(repr=False)

    @property
    def key(self) -> str:
        """How the state calls it."""
        return place_key(self.system, self.tenant)

    @property
    def tenants(self) -> bool:
        """Whether its rows are of several owners."""
        return self.tenant is None and self.home.tenants is not None

    def whose(self, table: str, shapes: Mapping[str, Shape]) -> Whose | None:
        """Whose the rows of a table are; None where none is a tenant's.

        CannotCapture where a table is held for tenants and nothing leads from its rows to them.
        """
        if self.tenant is not None:
            return Whose(sa.literal(self.tenant, sa.Text))
        declared = self.home.declared.get(table)
        if declared is None or self.home.tenants is None:
            return None
        if declared.category.tables[table].tenant is not None:
            return whose(self.home.table(table), shapes)
        if declared.category.role == "processor":
            raise CannotCapture(
                f"table '{table}' of {self.system} is held for tenants, and nothing leads from its rows to them: "
                "declare its `tenant`"
            )
        return None


@dataclass(frozen=True, eq=False)
class PlaceRead:
    """What tonight read of a database.

    `tables` stand as the next night must know them; the rows of `routed` ones are tenants'. `unchanged` are owners
    of whom a text need not be written, by its heading, and `dead` headings of which nothing counts. `vanished`,
    `fewer` and `undeclared` are names of tables.
    """

    place: Place
    server: tuple[str, str]
    snapshot: str
    taken_at: datetime
    shapes: Mapping[str, Shape]
    tables: Mapping[str, Stood]
    routed: frozenset[str]
    definition: Fragment
    definition_sha256: str
    sequences: Mapping[str, str]
    unchanged: Mapping[Heading, frozenset[int]]
    dead: frozenset[Heading]
    vanished: tuple[str, ...]
    fewer: tuple[str, ...]
    undeclared: tuple[str, ...]


@dataclass(frozen=True)
class Tonight:
    """What is common to every database of one night. `valid` are the backups of each chain that may be gone on with.

    `lock` guards the state.
    """

    backup: str
    folder: Path
    state: State
    reader: TableReader
    workers: int
    fewer_rows: int
    few_rows: int
    progress: Progress
    valid: Mapping[int, frozenset[str]]
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def goes_on(self, owner: int, held: Held) -> bool:
        """Whether an owner's chain holds what the state says of a table, from its base on."""
        return held.base in self.valid.get(owner, ())


def read_place(place: Place, night: Tonight) -> PlaceRead:
    """Read a database. Any GenukaError: nothing of it counts."""
    try:
        with place.home.database.dump(night.workers) as dump:
            return _Reading(place, night, dump).read()
    except BaseException:
        with night.lock:
            night.state.unchange(place.key)
        raise


class _Reading:
    def __init__(self, place: Place, night: Tonight, dump: Dump) -> None:
        self._place, self._night, self._dump = place, night, dump
        with night.lock:
            self._before = night.state.tables(place.key)
        self._stood: dict[str, Stood] = {}
        self._unchanged: dict[Heading, frozenset[int]] = {}
        self._dead: set[Heading] = set()
        self._fewer: list[str] = []

    def read(self) -> PlaceRead:
        shapes = self._dump.tables()
        owners = {table: self._place.whose(table, shapes) for table in shapes}
        largest = sorted(shapes, key=lambda table: -self._before[table].rows if table in self._before else 0)
        each(largest, self._dump.workers, lambda table, worker: self._table(shapes[table], owners[table], worker))
        vanished = tuple(table for table in self._before if table not in shapes)
        for table in vanished:
            self._end(table)
        definition = self._dump.definition()
        lines = [line.encode() + b"\n" for line in definition.lines()]
        heading = Heading(self._place.number, "", "definition")
        declared = self._place.home.declared
        with self._place.home.database.connected() as connection:
            server = self._place.home.database.dialect.product(connection)
        return PlaceRead(
            place=self._place,
            server=server,
            snapshot=self._dump.snapshot,
            taken_at=self._dump.taken_at,
            shapes=shapes,
            tables=self._stood,
            routed=frozenset(table for table, found in owners.items() if found is not None),
            definition=fragment([(heading, len(lines), lines)]),
            definition_sha256=hashlib.sha256(b"".join(lines)).hexdigest(),
            sequences=self._dump.sequences(),
            unchanged=self._unchanged,
            dead=frozenset(self._dead),
            vanished=vanished,
            fewer=tuple(sorted(self._fewer)),
            undeclared=(*(table for table in shapes if table not in declared), *self._dump.elsewhere),
        )

    def _table(self, shape: Shape, owners: Whose | None, worker: int) -> None:
        before = self._before.get(shape.name)
        with self._night.lock:
            everything = self._night.state.held(self._place.key, shape.name)
        held = {owner: one for owner, one in everything.items() if self._night.goes_on(owner, one)}
        if before is None or before.columns != shape.columns:
            held = {}
        index = self._index(before) if held else None
        attempt = 0
        while True:
            reading = Reading(self._place.number, shape.name, self._night.backup, held, index, attempt)
            file = self._file(shape.name, attempt)
            # Closed at once on an error: an open read keeps its transaction in the source.
            tenant, of = (owners.tenant, owners.of) if owners else (None, None)
            with closing(self._dump.read(shape.name, tenant, worker, of=of)) as blocks:
                try:
                    found = self._night.reader.read(reading, blocks, self._night.folder / file)
                    break
                except (RowsRepeated, IndexLies):
                    self._dead |= {reading.heading(kind) for kind in ("base", "rows", "gone")}
                    # What is left unread would cost the connection, and with it perhaps the snapshot.
                    for _ in blocks:
                        pass
                    index, attempt = None, attempt + 1
        self._unchanged[reading.heading("base")] = found.unchanged
        files = {"written": file, "kept": before.file if before else None, "none": None}
        self._stood[shape.name] = Stood(shape.columns, found.rows, files[found.index])
        if before is not None and self._too_few(before.rows, found.rows):
            self._fewer.append(shape.name)
        self._keep(shape.name, found, everything)
        self._night.progress(self._place.system, shape.name, found.rows)

    def _keep(self, table: str, found: Read, before: Mapping[int, Held]) -> None:
        there = {owner for owner, _ in found.changes} | found.unchanged
        over = [(owner, None) for owner in before if owner not in there]
        with self._night.lock:
            self._night.state.change(self._place.key, table, [*found.changes, *over])

    def _end(self, table: str) -> None:
        with self._night.lock:
            over = [(owner, None) for owner in self._night.state.held(self._place.key, table)]
            self._night.state.change(self._place.key, table, over)

    def _index(self, before: Stood | None) -> RowIndex | None:
        if before is None or before.file is None:
            return None
        try:
            return RowIndex.open(self._night.folder / before.file)
        except IndexUnusable:
            return None

    def _file(self, table: str, attempt: int) -> str:
        named = hashlib.sha256(f"{self._place.key}\x1f{table}".encode()).hexdigest()[:32]
        return f"{named}.{self._night.backup}.{attempt}.index"

    def _too_few(self, before: int, now: int) -> bool:
        return before > self._night.few_rows and now * 100 < before * self._night.fewer_rows


def each(tables: Sequence[str], workers: int, work: Callable[[str, int], None]) -> None:
    """Do something with every table, by so many workers; the first error ends it all."""
    waiting = deque(tables)

    def go_on(worker: int) -> None:
        for table in _taken(waiting):
            try:
                work(table, worker)
            except BaseException:
                waiting.clear()
                raise

    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="table") as pool:
        for done in [pool.submit(go_on, worker) for worker in range(workers)]:
            done.result()


def _taken(waiting: deque[str]) -> Iterator[str]:
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return
