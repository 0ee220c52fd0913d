"""What a person chooses: not to be written to, kept or used for now, to be written down correctly.

None of these destroys a row; each leaves a trace without a value in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.control.scopes import RowScope, Scope, SubjectScope
from genuka_pipelines.control.suppressions import MessageChannel, Suppressed, digest_of
from genuka_pipelines.requests.errors import UnclearRequest
from genuka_pipelines.requests.finding import tables_of_people
from genuka_pipelines.requests.person import Person, spot_of
from genuka_pipelines.requests.selecting import keys_in, ours
from genuka_pipelines.rows.correcting import Change, correct, in_ledger
from genuka_pipelines.rows.selection import Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import Query, as_text

if TYPE_CHECKING:
    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.house import House

_BY_PHONE: tuple[MessageChannel, ...] = ("sms", "whatsapp")


def object_to_marketing(
    house: House, plan: RequestPlan, request: Request, whom: Sought, person: Person, *, as_of: datetime, now: datetime
) -> Mapping[str, int]:
    """Suppress every address the person gave or has, at once, and date the refusal at the source."""
    addresses: list[tuple[str, MessageChannel]] = [(email, "email") for email in sorted(whom.emails | person.emails)]
    addresses += [(phone, by) for phone in sorted(whom.phones | person.phones) for by in _BY_PHONE]
    if not addresses:
        raise UnclearRequest(f"request {request.id} names nobody whose address is known: there is nothing to suppress")
    entries = [
        Suppressed(digest=digest_of(address, house.keyring.suppression), channel=by) for address, by in addresses
    ]
    suppressed = house.control.suppressions.add(entries, request=request.id, now=now)
    marked = _dated(house, request, plan.objection, person, as_of=as_of, now=now)
    return {"suppressed": suppressed, "marked": marked or 0}


def not_to_be_kept(
    house: House, plan: RequestPlan, request: Request, person: Person, *, as_of: datetime, now: datetime
) -> int | None:
    """Date the wish not to be kept at the source, where a rule acts on it in its time; how many rows say so anew.

    None where the person has no row that could. A wish that is dated stays as it is: the first one counts.
    """
    return _dated(house, request, plan.not_kept, person, as_of=as_of, now=now)


def _dated(
    house: House, request: Request, columns: Mapping[str, str], person: Person, *, as_of: datetime, now: datetime
) -> int | None:
    """Date a choice in columns, `table: column`, that say nothing yet; None where no row of the person has one."""
    # Laravel's columns keep whole seconds in UTC, without a zone.
    said, done, there = as_of.strftime("%Y-%m-%d %H:%M:%S"), 0, False
    for table in tables_of_people(house, as_of):
        column = columns.get(table.name)
        if column is not None:
            keys = _keys(house, table, person)
            there = there or bool(keys)
            done += _change(house, request, table, column, keys, lambda old: old or said, now=now)
    return done if there else None


def restrict(house: House, request: Request, person: Person, *, by: str, now: datetime) -> tuple[str, ...]:
    """Freeze use and sweeps of what the person contests (GDPR article 18): holds, until somebody lifts them."""
    scopes: list[Scope] = []
    if person.keys:
        scopes.append(SubjectScope({kind: tuple(sorted(keys)) for kind, keys in person.keys.items()}))
    scopes += [RowScope(spot.table, key, spot.system) for spot, keys in person.rows.items() for key in sorted(keys)]
    there = {hold.reference: hold.id for hold in house.control.holds.live(now) if hold.kind == "restriction"}
    placed = []
    for number, scope in enumerate(scopes):
        reference = f"request:{request.id}:{number}"
        if reference not in there:
            hold = house.control.holds.add(
                scope, kind="restriction", reason="accuracy_contested", reference=reference, author=by, now=now,
                keys=house.keyring,
            )  # fmt: skip
            there[reference] = hold.id
        placed.append(there[reference])
    return tuple(placed)


def rectify(
    house: House, request: Request, corrections: Mapping[str, str | None], person: Person, *, as_of: datetime,
    now: datetime,
) -> Mapping[str, int]:  # fmt: skip
    """Write down what is right, with keyed hashes of before and after; how many rows of each `table.column` changed."""
    done = dict.fromkeys(corrections, 0)
    for table in tables_of_people(house, as_of):
        for place, value in corrections.items():
            name, _, column = place.partition(".")
            if name == table.name:
                keys = _keys(house, table, person)
                done[place] += _change(house, request, table, column, keys, lambda _, value=value: value, now=now)  # type: ignore[misc]
    return done


def places_to_correct(
    house: House, corrections: Mapping[str, str | None], person: Person, *, as_of: datetime
) -> frozenset[str]:
    """The `table.column` of which a row says something else than what is right."""
    wrong = set[str]()
    for table in tables_of_people(house, as_of):
        for place, value in corrections.items():
            name, _, column = place.partition(".")
            if name == table.name and (keys := _keys(house, table, person)):
                there = where(Rows(table.name, frozenset(keys)), table)
                query: Query = sa.select(as_text(table.column(column))).select_from(table.sql).where(there)
                if any(old != value for (old,) in table.home.database.rows(query)):
                    wrong.add(place)
    return frozenset(wrong)


def _keys(house: House, table: DeclaredTable, person: Person) -> list[tuple[str, ...]]:
    """The person's own rows of a table for which Genuka answers."""
    return keys_in(table, ours(person, house.catalog, table.home.declared[table.name].category.system))


def _change(
    house: House,
    request: Request,
    table: DeclaredTable,
    column: str,
    keys: list[tuple[str, ...]],
    change: Change,
    *,
    now: datetime,
) -> int:
    number = 0
    for changed in correct(table, column, keys, change, house.keyring):
        in_ledger(house.control, request.id, spot_of(table).category, changed, now=now)
        number += len(changed.keys)
    return number
