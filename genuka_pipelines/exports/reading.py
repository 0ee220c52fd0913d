"""A tenant read in one moment: each of its databases by one snapshot, from which everything of it comes."""

from __future__ import annotations

from collections.abc import Mapping
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
from genuka_pipelines.exports.workers import WORKERS, each

if TYPE_CHECKING:
    from genuka_pipelines.exports.choosing import Choice, ChosenTable, Source
    from genuka_pipelines.exports.house import Exporting
    from genuka_pipelines.exports.work import Work
    from genuka_pipelines.systems.dump import Dump


def read(house: Exporting, choice: Choice, work: Work, progress: Progress) -> tuple[Read, datetime]:
    """Everything of a tenant, and the moment of the (first) snapshot it is of. Errors: see each part."""
    with ExitStack() as stack:
        dumps = {one: stack.enter_context(one.home.database.dump(WORKERS)) for one in choice.sources}
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
    """Every table, by as many workers as every snapshot has; their forms are made by as many again."""
    lock = Lock()
    rows: dict[str, int] = {}
    found: dict[str, TableRead] = {}

    def told(name: str, so_far: int) -> None:
        with lock:
            rows[name] = so_far
            progress("rows", sum(rows.values()), 0)

    def one(table: ChosenTable, worker: int) -> None:
        read = read_table(table, _opened(table, dumps, worker), work, told, forms)
        with lock:
            found[table.name] = read
            progress("read", len(found), len(choice.tables))

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="forms") as forms:
        each(choice.tables.values(), min(dump.workers for dump in dumps.values()), one)
    return {name: found[name] for name in choice.tables}
