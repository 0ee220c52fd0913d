"""A tenant read in one moment: each of its databases by one snapshot, from which everything of it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from genuka_pipelines.exports import quality
from genuka_pipelines.exports.closure import Reference, prove
from genuka_pipelines.exports.contents import Read
from genuka_pipelines.exports.media import read_media
from genuka_pipelines.exports.restoring import restorable
from genuka_pipelines.exports.steps import Progress
from genuka_pipelines.exports.tables import Opened, TableRead, read_table

if TYPE_CHECKING:
    from genuka_pipelines.exports.choosing import Choice, ChosenTable, Source
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.exports.work import Work
    from genuka_pipelines.systems.dump import Dump

_WORKERS = 2


def read(house: Exporting, choice: Choice, work: Work, progress: Progress) -> tuple[Read, datetime]:
    """Everything of a tenant, and the moment of the (first) snapshot it is of. Errors: see each part."""
    with ExitStack() as stack:
        dumps = {one: stack.enter_context(one.home.database.dump(_WORKERS)) for one in choice.sources}
        progress("prove", 0, len(dumps))
        references: list[Reference] = []
        for source, dump in dumps.items():
            references += prove(choice, source, dump)
        restore = restorable(choice, dumps)
        tables = _tables(choice, dumps, work, progress)
        opened = {name: _opened(table, dumps, 0) for name, table in choice.tables.items()}
        media = read_media(house, choice, opened, work, lambda _, objects: progress("media", objects, 0))
    progress("quality", 0, 0)
    answers = quality.ask(house, choice.tables, tables)
    merged = _merged(references)
    return Read(choice, tables, media, merged, restore, answers), min(dump.taken_at for dump in dumps.values())


def _merged(references: list[Reference]) -> list[Reference]:
    """A reference that two databases have is one, with the loose rows of both."""
    found: dict[tuple[str, str, str], Reference] = {}
    for one in references:
        key = (one.table, one.column, one.parent)
        before = found.get(key)
        loose = one.loose + (before.loose if before else 0)
        found[key] = Reference(one.table, one.column, one.parent, one.key, one.sometimes, loose)
    return sorted(found.values())


def _opened(table: ChosenTable, dumps: Mapping[Source, Dump], worker: int) -> list[Opened]:
    return [(source, dumps[source], worker) for source in table.sources]


def _tables(choice: Choice, dumps: Mapping[Source, Dump], work: Work, progress: Progress) -> dict[str, TableRead]:
    """Every table, by as many workers as every snapshot has; the first error ends it all."""
    waiting, found, lock = deque(choice.tables.values()), dict[str, TableRead](), Lock()
    rows: dict[str, int] = {}

    def told(name: str, so_far: int) -> None:
        with lock:
            rows[name] = so_far
            progress("rows", sum(rows.values()), 0)

    def go_on(worker: int) -> None:
        for table in _taken(waiting):
            try:
                read = read_table(table, _opened(table, dumps, worker), work, told)
            except BaseException:
                waiting.clear()
                raise
            with lock:
                found[table.name] = read
                progress("read", len(found), len(choice.tables))

    workers = min(dump.workers for dump in dumps.values())
    with ThreadPoolExecutor(workers, thread_name_prefix="table") as pool:
        for done in [pool.submit(go_on, worker) for worker in range(workers)]:
            done.result()
    return {name: found[name] for name in choice.tables}


def _taken(waiting: deque[ChosenTable]) -> Iterator[ChosenTable]:
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return
