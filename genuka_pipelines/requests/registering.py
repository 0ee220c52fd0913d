"""Registers what somebody asks, by whatever channel it came, with the day by which it is answered.

The message itself is not kept: who asks and what for is enough, sealed, and the inbox has its own end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, cast, get_args

from genuka_pipelines.catalog.persons import kinds_of
from genuka_pipelines.catalog.request import OF_TENANTS, Channel, RequestKind, RequestPlan
from genuka_pipelines.control.intake import Arrived, WrongColumn
from genuka_pipelines.requests.addresses import Sought, sought
from genuka_pipelines.requests.deadline import arrival, due_on
from genuka_pipelines.requests.errors import UnclearRequest

if TYPE_CHECKING:
    from genuka_pipelines.control.requests import Opening
    from genuka_pipelines.rows.house import House

_PLACE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Asked:
    """What somebody asks. `subjects` say who, as `sought` reads them; `corrections` map `table.column` to a value;
    a tenant that ends may have `waived` the time in which it could fetch its data. What is handed over is sealed for
    the age key `recipient`, where one is given.
    """

    kind: str
    channel: str
    by: str
    subjects: Sequence[str] = field(default=(), repr=False)
    tenant: str | None = None
    arrived: date | None = None
    corrections: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    waived: bool = False
    recipient: str | None = None


def register(house: House, plan: RequestPlan, asked: Asked, *, now: datetime) -> Opening:
    """Register a request, or find the same one under way. UnclearRequest, NotOpaque."""
    kind, channel = _kind(asked.kind), _channel(asked.channel)
    arrived = arrival(asked.arrived, now)
    if kind in OF_TENANTS:
        whom = Sought()
        person = house.keyring.erasure.hex(f"asks\x1ftenant\x1f{_tenant(house, asked, now)}".encode())
    else:
        whom = sought(asked.subjects, kinds_of(house.catalog))
        said = "\x1f".join([*sorted(whom.emails), *sorted(whom.phones), *_spelled(whom)])
        person = house.keyring.erasure.hex(f"asks\x1fperson\x1f{said}".encode())
    return house.control.requests.open(
        kind,
        channel,
        said={
            **whom.said,
            "corrections": dict(_corrections(house, kind, asked)),
            "waived": asked.waived,
            "recipient": _recipient(asked),
        },
        person=person,
        tenant=asked.tenant,
        arrived_on=arrived,
        due_on=due_on(arrived, plan.answered_within),
        by=asked.by,
        now=now,
        keys=house.keyring,
    )


def take_in(house: House, plan: RequestPlan, *, now: datetime, most: int = 50) -> tuple[int, int]:
    """Register what support tools wrote: how many rows were taken, and how many say something that cannot be."""

    def one(arrived: Arrived) -> None:
        given = Asked(
            kind=arrived.kind,
            channel=arrived.channel,
            by=arrived.opened_by,
            subjects=[arrived.subject] if arrived.subject.strip() else [],
            tenant=arrived.tenant,
            arrived=arrived.arrived_on,
        )
        for name, known in (("kind", get_args(RequestKind)), ("channel", get_args(Channel))):
            if getattr(arrived, name) not in known:
                raise WrongColumn(name)
        try:
            register(house, plan, given, now=now)
        except UnclearRequest:
            raise WrongColumn("tenant" if arrived.kind in OF_TENANTS else "subject or arrived_on") from None

    return house.control.intake.take(one, most=most)


def _recipient(asked: Asked) -> str | None:
    """The age key that answers are sealed for; BadRecipient."""
    if asked.recipient is not None:
        from genuka_pipelines.exports import Recipient

        Recipient(age=asked.recipient)
    return asked.recipient


def _kind(word: str) -> RequestKind:
    if word not in get_args(RequestKind):
        raise UnclearRequest(f"a request is one of {', '.join(get_args(RequestKind))}; what was given is none of them")
    return cast("RequestKind", word)


def _channel(word: str) -> Channel:
    if word not in get_args(Channel):
        raise UnclearRequest(f"a request comes by {', '.join(get_args(Channel))}; what was given is none of them")
    return cast("Channel", word)


def _tenant(house: House, asked: Asked, now: datetime) -> str:
    """The tenant that asks; UnclearRequest where no system knows it."""
    if asked.tenant is None:
        raise UnclearRequest(f"a request of kind {asked.kind} says which tenant asks: give --tenant ID")
    known = [
        house.databases(name).tenants(now)
        for name, system in house.catalog.systems.items()
        if system.tenants is not None
    ]
    if not any(asked.tenant in tenants for tenants in known):
        raise UnclearRequest("no tenant has this id; `genuka request open --tenant` takes the id of a company")
    return asked.tenant


def _corrections(house: House, kind: RequestKind, asked: Asked) -> Mapping[str, str | None]:
    if kind != "rectification":
        if asked.corrections:
            raise UnclearRequest("only a rectification says which values are wrong; leave --set out")
        return {}
    if not asked.corrections:
        raise UnclearRequest("a rectification says what is right: give --set TABLE.COLUMN=VALUE")
    for place in asked.corrections:
        table, _, column = place.partition(".")
        found = [(key, one) for key, name, one in house.catalog.tables() if name == table and column in one.columns]
        if not _PLACE.fullmatch(place) or not found:
            raise UnclearRequest("--set names a declared TABLE.COLUMN; `genuka catalog` lists the tables")
        key, one = found[0]
        path = one.tenant
        fixed = {*one.key, *one.subject.values(), *one.references, path.column if path else None}
        declared = one.columns[column]
        if column in fixed or declared.protected or not declared.holds.startswith("user."):
            raise UnclearRequest(
                f"'{place}' is a key, a secret or no value of a person's; it is not corrected this way"
            )
        if house.catalog.categories[key].role != "controller":
            raise UnclearRequest(f"'{place}' is in a tenant's hands: pass the request on to the tenant")
    return asked.corrections


def _spelled(whom: Sought) -> list[str]:
    return [f"{kind}:{key}" for kind, keys in sorted(whom.keys.items()) for key in sorted(keys)]
