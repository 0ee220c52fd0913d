"""Filling the databases in three lanes at once, each with a connection and some tables of its own.

A server works on one statement of a connection at a time, so a single lane would leave half of a
small machine idle; the lanes share no table and no counter, so their order cannot change a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from threading import Event, Lock

from genuka_pipelines.demo.seed.base import Base
from genuka_pipelines.demo.seed.belt import Belt
from genuka_pipelines.demo.seed.chunks import Chunk
from genuka_pipelines.demo.seed.contents import of_companies, of_the_public
from genuka_pipelines.demo.seed.load.rows import rows_of
from genuka_pipelines.demo.seed.roster import roster
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA, Recipe

Progress = Callable[[str], object]
Place = tuple[str, str]  # a database and one of its tables

_TELL_EVERY = 100_000
_ORDERS = {
    "activity_log",
    "deliveries",
    "invoices",
    "order_product",
    "orders",
    "payments",
    "return_items",
    "returns",
    "reviews",
}
_PUBLIC = {
    "browser_logs",
    "contact_requests",
    "cookie_consents",
    "employees",
    "event_partners",
    "event_registrations",
    "events",
    "job_applications",
    "marketing_opt_outs",
    "newsletter_subscribers",
    "page_views",
}


class _Tally:
    """Rows by table, told to the caller now and then, from all lanes."""

    def __init__(self, tell: Progress) -> None:
        self.counts: Counter[str] = Counter()
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
    everyone, tally, stopped = roster(recipe), _Tally(tell), Event()
    places = [(database, table) for database, base in bases.items() for table in base.tables]
    public = [place for place in places if place[0] == GENLETTER or place in _of_genuka(_PUBLIC)]
    orders = [place for place in places if place in _of_genuka(_ORDERS)]
    others = [place for place in places if place not in (*public, *orders)]
    lanes = [(wanted, Belt(stopped)) for wanted in (orders, others, public)]
    belts = {place: belt for wanted, belt in lanes for place in wanted}
    halves = (of_companies(recipe, everyone), lanes[:2]), (of_the_public(recipe, everyone), lanes[2:])
    with ThreadPoolExecutor(5, thread_name_prefix="genuka-seed") as pool:
        try:
            running = [pool.submit(_load, bases, wanted, belt, tally, stopped) for wanted, belt in lanes]
            for chunks, fed in halves:
                running.append(pool.submit(_make, bases, chunks, belts, [belt for _, belt in fed], stopped))
            for thread in as_completed(running):
                thread.result()
        finally:
            stopped.set()
    return tally.counts


def _of_genuka(tables: set[str]) -> set[Place]:
    return {(GENUKA, table) for table in tables}


def _make(
    bases: Mapping[str, Base],
    chunks: Iterator[Chunk],
    belts: Mapping[Place, Belt],
    fed: list[Belt],
    stopped: Event,
) -> None:
    for chunk in chunks:
        if stopped.is_set():
            return
        table = bases[chunk.database].tables[chunk.table]
        belts[chunk.database, chunk.table].put(rows_of(chunk, table))
    for belt in fed:
        belt.put(None)


def _load(bases: Mapping[str, Base], wanted: list[Place], belt: Belt, tally: _Tally, stopped: Event) -> None:
    with ExitStack() as stack:
        lanes = {}
        for database in dict.fromkeys(database for database, _ in wanted):
            tables = [table for held, table in wanted if held == database]
            lanes[database] = stack.enter_context(bases[database].lane(tables))
        for rows in belt:
            lanes[rows.database].load(rows)
            tally.add(rows.table.name, rows.count)
        if not stopped.is_set():
            for lane in lanes.values():
                lane.finish()
