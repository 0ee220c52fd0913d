"""Which rows a restored backup must lose again before anyone uses it.

Backups outlive an erasure by up to twelve months; without this list a restore would bring back, with
everything else, the people who asked to be forgotten. Rows are keyed hashes: the list names nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from pydantic import AwareDatetime
from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.control.canonical import canonical_json, in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.opaque import Hash, Id, Name, Opaque
from genuka_pipelines.control.tables import erasures

Origin = Literal["person", "tenant", "request", "tenant_end"]
"""A person's own deletion, a tenant's own, a request, the end of a tenant."""
PAGE = 1_000


class Erasure(Opaque):
    """A row that is gone: `row` is the keyed hash of its `<table>␟<key>`; `database` is "" for the shared one."""

    noun = "an erasure"
    row: Hash
    table: Name
    system: Name
    database: Id | Literal[""] = ""
    origin: Origin
    at: AwareDatetime

    @property
    def id(self) -> str:
        """The same for the same row and origin: two systems may have a table of the same name."""
        place = [self.row, self.table, self.system, self.database, self.origin]
        return hashlib.sha256(canonical_json(place).encode()).hexdigest()


class Erasures:
    """The erasures of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, entries: Iterable[Erasure]) -> None:
        """Lists rows, durably, a page at a time; repeating it adds none.

        A row that came back and was erased again counts from the later time, else a backup made in
        between would bring it back once more.
        """
        stream = iter(entries)
        while page := list(islice(stream, PAGE)):
            # In the order of their ids, so that two who record at once cannot wait for each other.
            newest = {erasure.id: erasure for erasure in sorted(page, key=lambda erasure: erasure.at)}
            rows = [{"id": id_, **newest[id_].model_dump()} for id_ in sorted(newest)]
            with self._database.begin() as connection:
                connection.execute(self._upsert(), rows)

    def since(self, moment: datetime, origins: Collection[Origin] | None = None) -> Iterator[Erasure]:
        """What was erased at `moment` or later, oldest first, a page at a time; of some origins, or all."""
        after = erasures.c.at >= in_utc(moment)
        chosen = [] if origins is None else [erasures.c.origin.in_(sorted(origins))]
        while True:
            query = select(erasures).where(after, *chosen).order_by(erasures.c.at, erasures.c.id).limit(PAGE)
            with self._database.begin() as connection:
                page = connection.execute(query).all()
            for row in page:
                yield Erasure.model_validate({name: row._mapping[name] for name in Erasure.model_fields})
            if len(page) < PAGE:
                return
            after = self._after(page[-1].at, page[-1].id)

    def count(self) -> int:
        """How many rows are listed."""
        with self._database.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(erasures)).scalar_one())

    def _after(self, at: datetime, last: str) -> ColumnElement[bool]:
        # Each server finds its place in the index by one of the two spellings, and reads from the start by the other.
        if self._database.mysql:
            return or_(erasures.c.at > at, and_(erasures.c.at == at, erasures.c.id > last))
        return tuple_(erasures.c.at, erasures.c.id) > tuple_(at, last)

    def _upsert(self) -> Any:
        if self._database.mysql:
            wanted = mysql.insert(erasures)
            return wanted.on_duplicate_key_update(at=func.greatest(erasures.c.at, wanted.inserted.at))
        wanted_there = postgresql.insert(erasures)
        return wanted_there.on_conflict_do_update(
            index_elements=[erasures.c.id], set_={"at": func.greatest(erasures.c.at, wanted_there.excluded.at)}
        )
