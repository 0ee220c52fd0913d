"""Erases a person by the one engine, takes what others' texts say of them, and looks for what is left.

There is no second way to delete: holds, legal minima, children before parents, media and recordings are the
engine's, and so is the list by which a restored backup loses the rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.persons import systems_of
from genuka_pipelines.control.cuts import Cut, hashed
from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.person import Key, Person, spot_of
from genuka_pipelines.requests.selecting import mentioned, ours
from genuka_pipelines.rows.correcting import AT_ONCE, correct, in_ledger, without
from genuka_pipelines.rows.destroying.applying import apply
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.destroying.line import Line
from genuka_pipelines.rows.selection import Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query, as_text

if TYPE_CHECKING:
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.house import Answering
    from genuka_pipelines.rows.declared import DeclaredTable


@dataclass(frozen=True)
class Erased:
    """What the engine did, line by line, and values that were taken out of texts, by `table.column`."""

    lines: tuple[Line, ...]
    cut: Mapping[str, int]

    def added(self, name: str) -> int:
        """The sum of one of the counts over all lines."""
        return sum(getattr(line, name) or 0 for line in self.lines)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why something could not be done or counted."""
        return tuple(dict.fromkeys(line.unknown for line in self.lines if line.unknown))

    @property
    def left(self) -> tuple[str, ...]:
        """The tables of which rows are left that nothing keeps."""
        return tuple(sorted({line.table for line in self.lines if line.survivors}))


def erase(
    house: Answering,
    request: Request,
    person: Person,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    progress: Callable[[Line], None] | None = None,
) -> Erased:
    """Erase what of a person Genuka answers for; repeating it finishes what was interrupted."""
    lines: list[Line] = []
    for system in systems_of(house.catalog):
        outcome = apply(
            ours(person, house.catalog, system), house, system, as_of=as_of, clock=clock, contents=house.contents,
            progress=progress, origin="request",
        )  # fmt: skip
        lines += [line for line in outcome.lines if line.due or line.unknown]
    return Erased(tuple(lines), _cut(house, request, person, as_of=as_of, clock=clock))


def _cut(
    house: Answering, request: Request, person: Person, *, as_of: datetime, clock: Callable[[], datetime]
) -> dict[str, int]:
    """Addresses and names are taken out of the texts for which Genuka answers.

    What a restored backup must lose again is listed first: killed in between, it would bring back what nobody knows.
    """
    needles, found = sorted(person.spelled), dict[str, int]()
    change = without(needles)
    wanted = mentioned(person, house.catalog)
    for table in tables_of_people(house, as_of) if wanted else ():
        for (spot, column), keys in wanted.items():
            if spot == spot_of(table):
                house.control.cuts.record(_listed(house, table, column, keys, needles, clock()))
                for changed in correct(table, column, keys, change, house.keyring):
                    in_ledger(house.control, request.id, spot.category, changed, now=clock())
                    named = f"{table.name}.{column}"
                    found[named] = found.get(named, 0) + len(changed.keys)
    return found


def _listed(
    house: Answering, table: DeclaredTable, column: str, keys: Collection[Key], needles: Sequence[str], at: datetime
) -> Iterator[Cut]:
    """The addresses that each text has, by which a restored backup's are found again."""
    hasher, spot = Hasher(house.keyring), spot_of(table)
    known = [(hashed(needle, house.keyring.erasure), without([needle])) for needle in needles]
    asked: Query = sa.select(*(as_text(table.column(name)) for name in (*table.table.key, column)))
    for start in range(0, len(wanted := sorted(keys)), AT_ONCE):
        some = where(Rows(table.name, frozenset(wanted[start : start + AT_ONCE])), table)
        for *key, text in table.home.database.rows(asked.select_from(table.sql).where(some)):
            (row,) = hasher.digests(table.name, [tuple(key)])
            for address, change in known:
                if change(text) != text:
                    yield Cut(
                        row=row.hex(), table=table.name, column=column, system=spot.system,
                        database=spot.database or "", address=address, at=at,
                    )  # fmt: skip
