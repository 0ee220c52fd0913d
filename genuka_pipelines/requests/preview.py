"""What a request would do, before anyone lets it: erasable, anonymised, kept by law, held; and whom it is passed to.

Its digest is what a person approves. It changes with any row that would be touched, so an approval can be used for
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.persons import systems_of
from genuka_pipelines.control.canonical import canonical_json
from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.person import Near, Person, spot_of
from genuka_pipelines.requests.selecting import keys_in, ours, routed
from genuka_pipelines.rows.count import plan
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.holding import live_holds
from genuka_pipelines.rows.plan import PlanLine

if TYPE_CHECKING:
    from genuka_pipelines.control import Request
    from genuka_pipelines.rows.house import House
    from genuka_pipelines.rows.selection import Selection

_COUNTS = ("due", "held", "kept_by_law", "waiting", "anonymise")


@dataclass(frozen=True)
class Preview:
    """What would be done. `lines` are rows for which Genuka answers; `routed` are rows by tenant that answers for
    them; `mentions` are rows of others, by `table.column`, whose text contains an address.
    """

    digest: str
    as_of: datetime
    lines: tuple[PlanLine, ...]
    routed: Mapping[str, int]
    mentions: Mapping[str, int]
    near: tuple[Near, ...] = field(repr=False)
    person: Person = field(repr=False)

    @property
    def rows(self) -> int:
        """Rows of ours."""
        return sum(line.due or 0 for line in self.lines)

    @property
    def complete(self) -> bool:
        """Whether every line could be counted."""
        return all(line.due is not None for line in self.lines)

    def added(self, name: str) -> int:
        """The sum of one of the counts."""
        return sum(getattr(line, name) or 0 for line in self.lines)


def preview(house: House, request: Request, person: Person, *, as_of: datetime, now: datetime) -> Preview:
    """The preview of a request about a person. NotAnswerable where a database cannot be read."""
    catalog, roots = house.catalog, list[list[str | None]]()
    hasher = Hasher(house.keyring)
    lines = planned(house, person, as_of=as_of, now=now)
    selections = {system: ours(person, catalog, system) for system in systems_of(catalog)}
    for table in tables_of_people(house, as_of):
        spot = spot_of(table)
        if keys := keys_in(table, selections[spot.system]):
            roots.append([spot.system, spot.database, spot.table, hasher.root(spot.table, keys)])
    passed_on = routed(house, person, as_of=as_of)
    mentions = {f"{spot.table}.{column}": len(keys) for (spot, column), keys in sorted(
        person.mentions.items(), key=lambda one: (one[0][0].table, one[0][1]))}  # fmt: skip
    said: list[Any] = [
        request.id,
        request.kind,
        [[line.category, line.table, line.action, line.database, *(getattr(line, name) for name in _COUNTS)]
         for line in lines],
        sorted(roots, key=str),
        passed_on,
        mentions,
    ]  # fmt: skip
    digest = house.keyring.erasure.hex(b"preview\x1f" + canonical_json(said).encode())
    return Preview(digest, as_of, lines, passed_on, mentions, person.near, person)


def planned(house: House, person: Person, *, as_of: datetime, now: datetime) -> tuple[PlanLine, ...]:
    """The engine's plan for a person's rows for which Genuka answers, without the tables where none is."""
    return planned_of(house, lambda system: ours(person, house.catalog, system), as_of=as_of, now=now)


def planned_of(
    house: House, selected: Callable[[str], Selection], *, as_of: datetime, now: datetime
) -> tuple[PlanLine, ...]:
    """The same for what is selected in each system."""
    lines: list[PlanLine] = []
    for system in systems_of(house.catalog):
        holds = live_holds(house.control.holds.live(now), house.keyring, system)
        found = plan(selected(system), house.catalog, house.databases(system), as_of=as_of, holds=holds)
        lines += [line for line in found.lines if line.due != 0]
    return tuple(lines)
