"""To whom a person's own rows can have been disclosed, and the least by which each finds the person.

By the class of data alone everybody would be named to everybody: a payment provider that never heard of a person
would learn of them from the very message that asks it to forget them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.persons import contacts_of
from genuka_pipelines.control.recipients import Wanted
from genuka_pipelines.requests.addresses import email_of, phone_of
from genuka_pipelines.requests.errors import NotAnswerable
from genuka_pipelines.requests.package.choosing import choose
from genuka_pipelines.requests.recipients import covers, recipients_of
from genuka_pipelines.systems.column_types import Query, as_text

if TYPE_CHECKING:
    from genuka_pipelines.catalog.processor import Processor
    from genuka_pipelines.catalog.table import Column
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.requests.house import Answering
    from genuka_pipelines.requests.package.choosing import Choice, Chosen
    from genuka_pipelines.requests.person import Person

_AT_MOST = 1_000
About = dict[str, set[str]]
"""`ids` are names of the recipient's own, `emails` and `phones` the person's."""


@dataclass(frozen=True)
class Changed:
    """The columns whose values are corrected, as `table.column`; a recipient of none of them need not be told."""

    places: Collection[str]


def disclosed(
    house: Answering,
    whom: Sought,
    person: Person,
    *,
    as_of: datetime,
    forget: bool,
    changed: Changed | None = None,
) -> tuple[Wanted, ...]:
    """Who has to be told, by recipient. Interfaces are asked to `forget`; anything else people tell.

    NotAnswerable where a database cannot be read, or a person has more of anything than can be passed on.
    """
    choice = choose(house, "access", person, {}, as_of=as_of)
    wanted = []
    for name, provider in sorted(_candidates(house, choice, changed).items()):
        about = _about(provider, choice, whom, person)
        if about:
            by = provider.told.by if provider.told else "procedure"
            asks = forget and by == "adapter" and house.recipient(name) is not None
            said = {kind: sorted(values) for kind, values in sorted(about.items())}
            wanted.append(Wanted(name, "adapter" if asks else "procedure", said))
    return tuple(wanted)


def _candidates(house: Answering, choice: Choice, changed: Changed | None) -> Mapping[str, Processor]:
    """As an answer under article 15 names them, without those whom the act itself reaches."""
    found: dict[str, Processor] = {}
    for category in choice.categories:
        chosen = choice.of(category)
        held = {column.holds for one in chosen for column in _columns(one, changed)}
        systems = set[str]()
        if changed is None:
            systems = {one.table.table.content.system for one in chosen if one.table.table.content}
        found |= dict(recipients_of(house.catalog, category, held, systems))
    return {name: one for name, one in found.items() if one.told is None or one.told.by != "house"}


def _columns(chosen: Chosen, changed: Changed | None) -> Iterator[Column]:
    table = chosen.table.table
    for name in chosen.given:
        if changed is None or f"{chosen.spot.table}.{name}" in changed.places:
            yield table.columns[name]


def _about(provider: Processor, choice: Choice, whom: Sought, person: Person) -> About:
    """Nothing where it was given nothing by which it could find the person."""
    about: About = defaultdict(set)
    traces = provider.told.traces if provider.told else {}
    traced = False
    for one in choice.chosen:
        table = one.table.table
        if table.content is not None and table.content.system in provider.systems:
            about["ids"] |= set(_values(one, table.content.key))
        if trace := traces.get(one.spot.table):
            seen = as_text(one.table.column(trace.column)) == trace.value
            traced = traced or bool(list(_values(one, trace.column, seen)))
            if trace.reference is not None:
                about["ids"] |= set(_values(one, trace.reference, seen))
            _contacts(provider, one, about, seen)
        elif not traces:
            _contacts(provider, one, about)
    if traced and not about["emails"] and covers(provider, "user.contact.email"):
        about["emails"] |= {*whom.emails, *person.emails}
    return {kind: values for kind, values in about.items() if values and (traced or not traces or kind == "ids")}


def _contacts(provider: Processor, chosen: Chosen, about: About, also: sa.ColumnElement[bool] | None = None) -> None:
    for name, kind in contacts_of(chosen.table.table).items():
        if name in chosen.given and covers(provider, chosen.table.table.columns[name].holds):
            read = email_of if kind == "email" else phone_of
            found = {read(text) or text for text in _values(chosen, name, also)}
            about["emails" if kind == "email" else "phones"] |= found


def _values(chosen: Chosen, column: str, also: sa.ColumnElement[bool] | None = None) -> Iterator[str]:
    """What a column holds of the person, once each."""
    there = chosen.table.column(column)
    which = chosen.mine & there.is_not(None) if also is None else chosen.mine & there.is_not(None) & also
    query: Query = sa.select(as_text(there)).select_from(chosen.table.sql).where(which).distinct().limit(_AT_MOST + 1)
    found = [str(row[0]) for row in chosen.table.home.database.rows(query)]
    if len(found) > _AT_MOST:
        raise NotAnswerable(
            f"a person has more than {_AT_MOST:,} values of '{chosen.spot.table}.{column}' that recipients know: it is "
            "everybody's, and no person's; look at whom the request names"
        )
    return iter([text for text in found if text.strip()])
