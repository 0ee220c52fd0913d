"""What people decide on a request: who asks, what may be done, that it is not done, or that it takes longer.

Each decision is one step under the row's lock; none destroys anything.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from genuka_pipelines.catalog.request import OF_TENANTS
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.control.opaque import Id, Opaque
from genuka_pipelines.control.request import Approved, Identified, IdentityCheck, Request, RequestReason, sealed
from genuka_pipelines.requests.addresses import Sought
from genuka_pipelines.requests.deadline import due_on
from genuka_pipelines.requests.errors import NotAnswerable, NotIdentified, PreviewChanged, UnclearRequest
from genuka_pipelines.requests.finding import find
from genuka_pipelines.requests.preview import Preview, preview

if TYPE_CHECKING:
    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.rows.house import House

Longer = Literal["complex", "many_requests"]
"""The two reasons of article 12(3)."""


class Decided(Opaque):
    """Who decides."""

    noun = "a decision"
    by: Id


def identify(house: House, name: str, how: IdentityCheck, *, by: str, now: datetime) -> Request:
    """Record how somebody made sure who asks. A check made anew replaces the former, and any approval with it."""
    said = Identified(identity=how, identified_by=by)

    def change(request: Request) -> Request:
        return replace(
            request, identity=said.identity, identified_by=said.identified_by, identified_at=now, reason=None,
            preview=None, approved_by=None, approved_at=None,
        )  # fmt: skip

    return house.control.requests.move(name, "identified", change, now=now)


def look(house: House, name: str, *, as_of: datetime, now: datetime) -> Preview:
    """Find the person and count what would be done; nothing is written but a digest. UnclearRequest for a tenant's."""
    request = house.control.requests.get(name)
    if request.kind in OF_TENANTS:
        raise UnclearRequest(f"request {name} is a tenant's: it has no person to find")
    return preview(house, request, find(house, whom(house, request), as_of=as_of), as_of=as_of, now=now)


def whom(house: House, request: Request) -> Sought:
    """Whom a request is about."""
    return Sought.read(request.opened(house.keyring))


def approve(
    house: House, plan: RequestPlan, name: str, digest: str | None, *, by: str, as_of: datetime, now: datetime
) -> Request:
    """Let a request run as its preview says. NotIdentified, PreviewChanged where `digest` is of another preview.

    NotAnswerable where a table of the preview could not be counted.
    """
    request = house.control.requests.get(name)
    refuse_unidentified(request, plan, now)
    if request.kind in OF_TENANTS:
        found = request.person
    else:
        seen = look(house, name, as_of=as_of, now=now)
        found = seen.digest
        if not seen.complete:
            tables = ", ".join(sorted({line.table for line in seen.lines if line.due is None}))
            raise NotAnswerable(
                f"the preview of request {name} could not count every table ({tables}), so nobody can say what would "
                f"be done: mend that, then look at `genuka request preview {name}` again"
            )
        if digest is None:
            raise UnclearRequest(
                f"an approval names what was looked at: `genuka request preview {name}` shows its digest"
            )
        if digest != found:
            raise PreviewChanged(name)
    said = Approved(approved_by=by, preview=found)

    def change(there: Request) -> Request:
        refuse_unidentified(there, plan, now)
        return replace(there, preview=said.preview, approved_by=said.approved_by, approved_at=now, reason=None)

    return house.control.requests.move(name, "approved", change, now=now)


def refuse_unidentified(request: Request, plan: RequestPlan, now: datetime) -> None:
    """NotIdentified where nobody made sure who asks, or too long ago."""
    if request.identified_at is None:
        raise NotIdentified(
            f"nobody made sure yet who asks in request {request.id}: `genuka request identify {request.id}`"
        )
    if plan.identity_lasts.end(request.identified_at) <= now:
        raise NotIdentified(
            f"the identity check of request {request.id} is older than {plan.identity_lasts}: make a new one by "
            f"`genuka request identify {request.id}`"
        )


def confirm(house: House, name: str, *, by: str, now: datetime) -> Request:
    """A second person agrees that a tenant's keys are destroyed. UnclearRequest for who approved it."""
    Decided(by=by)

    def change(request: Request) -> Request:
        if request.kind != "tenant_end":
            raise UnclearRequest(f"request {name} is no end of a tenant: there is nothing to confirm")
        if request.approved_by in (None, by):
            raise UnclearRequest(
                "who approved a tenant's end cannot also confirm it, nor anybody before it is approved"
            )
        return replace(request, confirmed_by=by)

    return house.control.requests.amend(name, change, now=now)


def refuse(house: House, name: str, why: RequestReason, *, by: str, now: datetime) -> Request:
    """End a request without doing it, for a reason that the person is told."""
    Decided(by=by)
    return house.control.requests.move(name, "refused", lambda request: replace(request, reason=why), now=now)


def extend(house: House, plan: RequestPlan, name: str, why: Longer, *, by: str, now: datetime) -> Request:
    """Answer later, once, for one of two reasons, said within the first period (GDPR article 12(3))."""
    Decided(by=by)

    def change(request: Request) -> Request:
        if request.extended:
            raise UnclearRequest(f"request {name} was extended before, and is so only once; answer by {request.due_on}")
        if night_of(now) > request.due_on:
            raise UnclearRequest(
                f"request {name} was due on {request.due_on}: it had to be extended before; answer it now"
            )
        later = due_on(request.arrived_on, plan.answered_within, plan.extended_by)
        return replace(request, extended=True, reason=why, due_on=later)

    return house.control.requests.amend(name, change, now=now)


def include(house: House, name: str, kind: str, key: str, *, now: datetime) -> Request:
    """Add the key of a near person to what a request is about, after somebody looked; approvals end."""

    def change(request: Request) -> Request:
        asked = dict(request.opened(house.keyring))
        keys = {one: list(found) for one, found in asked["keys"].items()}
        keys[kind] = sorted({*keys.get(kind, []), key})
        return replace(request, said=sealed(request.id, house.keyring, {**asked, "keys": keys}), preview=None)

    approved = house.control.requests.get(name).status == "approved"
    requests = house.control.requests
    return requests.move(name, "identified", change, now=now) if approved else requests.amend(name, change, now=now)
