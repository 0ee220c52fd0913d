"""Tells whoever else had a person's data what became of it, one by one, and ends the request when all are told.

GDPR article 19. An interface is asked only after the act is over here; what it cannot do, and all that has no
interface, people do and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control.errors import RecipientUnknown, RequestOutOfTurn
from genuka_pipelines.control.recipients import Impossible, Notice
from genuka_pipelines.requests.disclosed import Changed, disclosed
from genuka_pipelines.requests.recipients import covers

if TYPE_CHECKING:
    from genuka_pipelines.catalog.request import RequestKind
    from genuka_pipelines.catalog.value import Words
    from genuka_pipelines.control import Request
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.requests.house import Answering
    from genuka_pipelines.requests.person import Person
    from genuka_pipelines.rows.house import House


def intend(
    house: Answering,
    request: Request,
    whom: Sought,
    person: Person,
    *,
    as_of: datetime,
    now: datetime,
    changed: Changed | None = None,
) -> None:
    """Before anything is done: write down who has to be told. Repeated, it forgets nobody."""
    wanted = disclosed(house, whom, person, as_of=as_of, forget=request.kind == "erasure", changed=changed)
    if wanted:
        house.control.recipients.want(request, wanted, keys=house.keyring, now=now)


def tell(
    house: Answering, request: Request, *, clock: Callable[[], datetime]
) -> tuple[Mapping[str, str], GenukaError | None]:
    """Afterwards: ask every interface; the state of each recipient, and the first failure."""
    register, failed = house.control.recipients, list[GenukaError]()
    for one in register.of(request.id):
        if one.state == "open" and one.how == "adapter":
            try:
                _ask(house, request, one, clock)
            except GenukaError as error:
                failed.append(error)
    return states(register.of(request.id)), failed[0] if failed else None


@dataclass(frozen=True)
class ToDo:
    """What people do at a recipient: `about` is by what it finds the person, `right` what is to be corrected there."""

    notice: Notice
    kind: RequestKind
    steps: Words | None
    about: Mapping[str, Sequence[str]] = field(repr=False)
    right: Mapping[str, str | None] = field(repr=False)


def to_do(house: House, name: str, recipient: str) -> ToDo:
    """What is to be told to a recipient, and nothing once it was. RequestNotThere, RecipientUnknown."""
    request = house.control.requests.get(name)
    found = {one.recipient: one for one in house.control.recipients.of(name)}
    if recipient not in found:
        raise RecipientUnknown(name)
    notice, provider = found[recipient], house.catalog.processors.get(recipient)
    right: Mapping[str, str | None] = {}
    if notice.state == "open" and provider is not None:
        there = {f"{table}.{name}": column for _, table, one in house.catalog.tables() for name, column in
                 one.columns.items()}  # fmt: skip
        wanted = request.opened(house.keyring).get("corrections") or {}
        right = {place: value for place, value in wanted.items() if covers(provider, there[place].holds)}
    steps = provider.told.steps if provider and provider.told else None
    return ToDo(notice, request.kind, steps, notice.opened(house.keyring), right)


def states(notices: tuple[Notice, ...]) -> Mapping[str, str]:
    """What became of each, by recipient."""
    return {one.recipient: one.state for one in notices}


def told(
    house: House,
    name: str,
    recipient: str,
    *,
    by: str,
    now: datetime,
    reference: str | None = None,
    why: Impossible | None = None,
) -> Request:
    """Somebody told a recipient, or with `why` found that it cannot be told; the last of them ends the request."""
    register = house.control.recipients
    request = house.control.requests.get(name)
    register.settle(request, recipient, by=by, now=now, reference=reference, why=why)
    request, found = house.control.requests.get(name), states(register.of(name))
    if (request.status, request.reason) != ("running", "recipients") or "open" in found.values():
        return request

    def change(there: Request) -> Request:
        result = dict(there.result(house.keyring) or {})
        result["done"] = {**result.get("done", {}), "recipients": dict(found)}
        return replace(there, reason=None).with_result(house.keyring, result)

    try:
        return house.control.requests.move(name, "done", change, now=now)
    except RequestOutOfTurn:  # somebody else told the other last one at the same moment
        return house.control.requests.get(name)


def _ask(house: Answering, request: Request, notice: Notice, clock: Callable[[], datetime]) -> None:
    interface, register = house.recipient(notice.recipient), house.control.recipients
    heard = interface.forget(notice.opened(house.keyring)) if interface else None
    if heard is not None and heard.done:
        register.settle(
            request, notice.recipient, by=f"adapter:{notice.recipient}", reference=heard.reference, now=clock()
        )
    else:
        register.left_to_people(request, notice.recipient, now=clock())
