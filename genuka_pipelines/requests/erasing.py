"""Erases a person by the one engine, takes what others' texts say of them, and looks for what is left.

There is no second way to delete: holds, legal minima, children before parents, media and recordings are the
engine's, and so is the list by which a restored backup loses the rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.persons import systems_of
from genuka_pipelines.requests.finding import Person, spot_of, tables_of_people
from genuka_pipelines.requests.selecting import ours
from genuka_pipelines.rows.correcting import correct, in_ledger, without
from genuka_pipelines.rows.destroying.applying import apply
from genuka_pipelines.rows.destroying.line import Line

if TYPE_CHECKING:
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.requests.house import Answering


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
    whom: Sought,
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
    return Erased(tuple(lines), _cut(house, request, whom, person, as_of=as_of, clock=clock))


def _cut(
    house: Answering, request: Request, whom: Sought, person: Person, *, as_of: datetime, clock: Callable[[], datetime]
) -> dict[str, int]:
    """The address is taken out of texts for which Genuka answers; a tenant's own are passed on with the request."""
    change, found = without([*whom.emails, *whom.phones]), dict[str, int]()
    wanted = {place: keys for place, keys in person.mentions.items()
              if house.catalog.categories[place[0].category].role == "controller"}  # fmt: skip
    for table in tables_of_people(house, as_of) if wanted else ():
        for (spot, column), keys in wanted.items():
            if spot == spot_of(table):
                for changed in correct(table, column, keys, change, house.keyring):
                    in_ledger(house.control, request.id, spot.category, changed, now=clock())
                    named = f"{table.name}.{column}"
                    found[named] = found.get(named, 0) + len(changed.keys)
    return found
