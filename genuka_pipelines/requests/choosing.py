"""What a person chooses: not to be written to, not to be used for now, to be written down correctly.

None of these destroys a row; each leaves a trace without a value in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.control.scopes import RowScope, Scope, SubjectScope
from genuka_pipelines.control.suppressions import MessageChannel, Suppressed, digest_of
from genuka_pipelines.requests.errors import UnclearRequest
from genuka_pipelines.requests.finding import Person, spot_of, tables_of_people
from genuka_pipelines.requests.selecting import keys_in, ours
from genuka_pipelines.rows.correcting import Change, correct, in_ledger

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
    done = {"suppressed": house.control.suppressions.add(entries, request=request.id, now=now), "marked": 0}
    # Laravel's columns keep whole seconds in UTC, without a zone.
    said = as_of.strftime("%Y-%m-%d %H:%M:%S")
    for table in tables_of_people(house, as_of):
        column = plan.objection.get(table.name)
        if column is not None:
            done["marked"] += _change(house, request, table, column, person, lambda old: old or said, now=now)
    return done


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
                done[place] += _change(house, request, table, column, person, lambda _, value=value: value, now=now)  # type: ignore[misc]
    return done


def _change(
    house: House, request: Request, table: DeclaredTable, column: str, person: Person, change: Change, *, now: datetime
) -> int:
    declared = table.home.declared[table.name]
    keys = keys_in(table, ours(person, house.catalog, declared.category.system))
    number = 0
    for changed in correct(table, column, keys, change, house.keyring):
        in_ledger(house.control, request.id, spot_of(table).category, changed, now=now)
        number += len(changed.keys)
    return number
