"""Filling the databases in two lanes at once: the companies' tables, and everybody else's.

A server works on one statement of a connection at a time, so one lane would leave half of a small
machine idle; the lanes share no table and no counter, so their order cannot change a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from threading import Event, Lock

from genuka_pipelines.demo.seed.ahead import ahead
from genuka_pipelines.demo.seed.base import Base, Lane
from genuka_pipelines.demo.seed.chunks import Chunk
from genuka_pipelines.demo.seed.contents import PUBLIC, of_companies, of_the_public
from genuka_pipelines.demo.seed.load.rows import rows_of
from genuka_pipelines.demo.seed.roster import roster
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Recipe

Progress = Callable[[str], object]
_TELL_EVERY = 100_000


class _Tally:
    """Rows by table, told to the caller now and then, from both lanes."""

    def __init__(self, tell: Progress) -> None:
        self.counts: Counter[str] = Counter()
        self.stopped = Event()
        self._tell = tell
        self._told = 0
        self._lock = Lock()

    def add(self, table: str, rows: int) -> None:
        with self._lock:
            self.counts[table] += rows
            total = self.counts.total()
            if total // _TELL_EVERY > self._told:
                self._told = total // _TELL_EVERY
                self._tell(f"{total:,} rows")


def fill(bases: Mapping[str, Base], recipe: Recipe, tell: Progress) -> Counter[str]:
    """Fill cleared databases from the recipe, indexes included; returns rows by table."""
    everyone, tally = roster(recipe), _Tally(tell)
    genuka = bases[GENUKA].tables.keys()
    of_tenants = {name: base.tables.keys() for name, base in bases.items() if name not in (GENUKA, GENLETTER)}
    halves = (
        (of_companies(recipe, everyone), {GENUKA: genuka - PUBLIC, **of_tenants}),
        (of_the_public(recipe, everyone), {GENUKA: PUBLIC, GENLETTER: bases[GENLETTER].tables.keys()}),
    )
    with ThreadPoolExecutor(len(halves), thread_name_prefix="genuka-seed") as pool:
        try:
            running = [pool.submit(_fill_half, bases, chunks, tables, tally) for chunks, tables in halves]
            for half in as_completed(running):
                half.result()
        finally:
            tally.stopped.set()
    return tally.counts


def _fill_half(
    bases: Mapping[str, Base], chunks: Iterator[Chunk], tables: Mapping[str, Iterable[str]], tally: _Tally
) -> None:
    with ExitStack() as stack:
        lanes: dict[str, Lane] = {
            name: stack.enter_context(bases[name].lane(sorted(wanted))) for name, wanted in tables.items()
        }
        made = (rows_of(chunk, lanes[chunk.database].tables[chunk.table]) for chunk in chunks)
        for rows in stack.enter_context(closing(ahead(made))):
            if tally.stopped.is_set():
                return
            lanes[rows.database].load(rows)
            tally.add(rows.table.name, rows.count)
        for lane in lanes.values():
            lane.finish()
