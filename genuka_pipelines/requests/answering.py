"""Carries out an approved request, once, and says what became of it; a run that died is taken up where it stood.

Who was found is sealed before the first row goes: after half an erasure the finding itself would find half a person.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.request import OF_TENANTS, RequestKind
from genuka_pipelines.control import Busy
from genuka_pipelines.control.errors import RequestOutOfTurn
from genuka_pipelines.control.request import FOLLOWS, Request, RequestReason, RequestStatus
from genuka_pipelines.requests.choosing import (
    not_to_be_kept,
    object_to_marketing,
    places_to_correct,
    rectify,
    restrict,
)
from genuka_pipelines.requests.deciding import refuse_unidentified, whom
from genuka_pipelines.requests.disclosed import Changed
from genuka_pipelines.requests.ending import end_tenant
from genuka_pipelines.requests.erasing import Erased, erase
from genuka_pipelines.requests.errors import NotIdentified, PreviewChanged, SomethingLeft
from genuka_pipelines.requests.exporting import export_tenant, recipient_of
from genuka_pipelines.requests.finding import find
from genuka_pipelines.requests.kept import kept_by_law, last_copies
from genuka_pipelines.requests.person import Person, read_person, said_of
from genuka_pipelines.requests.preview import preview
from genuka_pipelines.requests.selecting import mentioned, routed
from genuka_pipelines.requests.telling import intend, tell

if TYPE_CHECKING:
    from genuka_pipelines.catalog.request import RequestPlan
    from genuka_pipelines.exports import Recipient
    from genuka_pipelines.requests.house import Ending
    from genuka_pipelines.rows.destroying.line import Line

CAPABILITY = "answer_request"
HANDED_OVER: frozenset[RequestKind] = frozenset({"access", "portability", "tenant_export"})
"""Where an old check of who asks would hand somebody's data to somebody else, however late it is tried again."""
LEASE = timedelta(minutes=2)
_ADDED = ("deleted", "anonymised", "cut", "corrected", "suppressed", "marked", "dated")
"""Numbers of what a try did, which are added up over the tries."""


@dataclass(frozen=True)
class Answer:
    """What became of a request: its last state, and the numbers that the person is told. Nothing of it is a value."""

    request: Request
    done: Mapping[str, Any]


@dataclass(frozen=True)
class _Step:
    """What a try came to."""

    status: RequestStatus
    reason: RequestReason | None
    done: Mapping[str, Any]
    left: str = ""
    failure: GenukaError | None = None


def answer(
    house: Ending,
    plan: RequestPlan,
    name: str,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    to: Recipient | None = None,
    progress: Callable[[Line], None] | None = None,
) -> Answer:
    """Carry out a request that was approved, or go on with one that was begun.

    What is handed over is sealed for `to`, or for the age key that the request came with.

    PreviewChanged and NotIdentified bring it back to who decides; Busy where another process answers it. What fails
    midway leaves it *failed*, to be tried again, and raises; SomethingLeft where rows are left that nothing keeps.
    """
    owner = f"{CAPABILITY}:{os.getpid()}:{secrets.token_hex(4)}"
    with house.control.leases.hold(CAPABILITY, name, owner, LEASE):
        request, person = _begun(house, plan, name, as_of=as_of, clock=clock)
        try:
            step = _steps(house, plan, request, person, as_of=as_of, clock=clock, to=to, progress=progress)
        except Busy:
            raise
        except GenukaError:
            _end(house, request, _Step("failed", "unreachable", {}), clock())
            raise
        ended = _end(house, request, step, clock())
    if step.failure is not None:
        raise step.failure
    if step.left:
        raise SomethingLeft(name, step.left)
    return Answer(ended, (ended.result(house.keyring) or {})["done"])


def _begun(
    house: Ending, plan: RequestPlan, name: str, *, as_of: datetime, clock: Callable[[], datetime]
) -> tuple[Request, Person]:
    """The request, running, with whoever it is about as approved."""
    now, register = clock(), house.control.requests
    request = register.get(name)
    if "running" not in FOLLOWS[request.status] and request.identified_at is not None:
        raise RequestOutOfTurn(name, request.status, "running")
    again = request.status in ("running", "failed")
    if not again or request.kind in HANDED_OVER:
        _refuse_old_check(house, plan, request, now=now)
    ours = True
    if request.kind in OF_TENANTS:
        person = Person({}, {}, {})
    elif again:
        person = read_person((request.result(house.keyring) or {})["person"])
    else:
        person, ours = _as_approved(house, request, as_of=as_of, now=now)

    def change(there: Request) -> Request:
        result = dict(there.result(house.keyring) or {}) | {"person": said_of(person), "ours": ours}
        begun = replace(there, attempts=there.attempts + 1, tried_at=now, reason=None)
        return begun if again else begun.with_result(house.keyring, result)

    return register.move(name, "running", change, now=now), person


def _as_approved(house: Ending, request: Request, *, as_of: datetime, now: datetime) -> tuple[Person, bool]:
    """Whoever is found now, if that is what was approved, and whether anything of it is for Genuka to do.

    Else the request goes back to who decides. After a death the second could no longer be told from what is left.
    """
    person = find(house, whom(house, request), as_of=as_of)
    seen = preview(house, request, person, as_of=as_of, now=now)
    if seen.digest != request.preview:
        _back(house, request, "preview_changed", now=now)
        raise PreviewChanged(request.id)
    return person, bool(seen.lines or mentioned(person, house.catalog))


def _refuse_old_check(house: Ending, plan: RequestPlan, request: Request, *, now: datetime) -> None:
    try:
        refuse_unidentified(request, plan, now)
    except NotIdentified:
        _back(house, request, "identity_expired", now=now)
        raise


def _back(house: Ending, request: Request, why: RequestReason, *, now: datetime) -> None:
    """To who decides."""
    if request.status in ("approved", "running", "failed"):
        house.control.requests.move(
            request.id, "identified", lambda there: replace(there, reason=why, preview=None), now=now
        )


def _steps(
    house: Ending,
    plan: RequestPlan,
    request: Request,
    person: Person,
    *,
    as_of: datetime,
    clock: Callable[[], datetime],
    to: Recipient | None,
    progress: Callable[[Line], None] | None,
) -> _Step:
    now, to = clock(), recipient_of(house, request, to)
    if request.kind == "tenant_export":
        made = export_tenant(house, request, to, clock=clock)
        return _Step("running", "recipient", {}) if made is None else _Step("done", None, made)
    if request.kind == "tenant_end":
        ended = end_tenant(house, plan, request, as_of=as_of, clock=clock, progress=progress)
        if ended.left:
            return _Step("failed", "survivors", ended.done, ended.left)
        return _Step("running" if ended.waits else "done", ended.waits, ended.done)
    asked = whom(house, request)
    passed_on = routed(house, person, as_of=as_of)
    if person.nobody and request.kind != "objection":
        return _Step("refused", "nothing_found", {})
    match request.kind:
        case "erasure":
            intend(house, request, asked, person, as_of=as_of, now=now)
            erased = erase(house, request, person, as_of=as_of, clock=clock, progress=progress)
            ours = bool((request.result(house.keyring) or {}).get("ours", True))
            step = _erased(house, erased, person, passed_on, ours=ours, as_of=as_of, now=clock())
            return _told(house, request, step, clock)
        case "objection":
            done = object_to_marketing(house, plan, request, asked, person, as_of=as_of, now=now)
            return _Step("done", None, done)
        case "not_kept":
            marked = not_to_be_kept(house, plan, request, person, as_of=as_of, now=now)
            return _Step("refused", "nothing_found", {}) if marked is None else _Step("done", None, {"dated": marked})
        case "restriction":
            intend(house, request, asked, person, as_of=as_of, now=now)
            placed = restrict(house, request, person, by=request.approved_by or request.opened_by, now=now)
            return _told(house, request, _Step("done", None, {"holds": len(placed)}), clock)
        case "rectification":
            corrections = request.opened(house.keyring)["corrections"]
            wrong = places_to_correct(house, corrections, person, as_of=as_of)
            if wrong:
                intend(house, request, asked, person, as_of=as_of, now=now, changed=Changed(wrong))
            changed = rectify(house, request, corrections, person, as_of=as_of, now=now)
            step = _Step("done", None, {"corrected": sum(changed.values()), "routed": passed_on})
            return _told(house, request, step, clock)
        case "access" | "portability":
            from genuka_pipelines.requests.package import hand_over

            return _Step(*hand_over(house, request, asked, person, passed_on, to=to, as_of=as_of, now=now))
        case _:
            raise AssertionError(request.kind)


def _erased(
    house: Ending,
    erased: Erased,
    person: Person,
    passed_on: Mapping[str, int],
    *,
    ours: bool,
    as_of: datetime,
    now: datetime,
) -> _Step:
    done = {
        "deleted": erased.added("deleted"),
        "anonymised": erased.added("anonymised"),
        "cut": sum(erased.cut.values()),
        "held": erased.added("held"),
        "by_hand": erased.added("by_hand"),
        "kept_by_law": [asdict(one) | {"until": one.until and one.until.isoformat()}
                        for one in kept_by_law(house, person, as_of=as_of)],
        "survivors": erased.added("survivors"),
        "routed": passed_on,
        "last_copies": {country: day.isoformat() for country, day in last_copies(house, now).items()},
    }  # fmt: skip
    if erased.unknown:
        return _Step("failed", "unreachable", done, erased.unknown[0])
    if erased.left:
        return _Step("failed", "survivors", done, ", ".join(erased.left))
    if erased.added("held"):
        return _Step("running", "held", done)
    if erased.added("by_hand"):
        return _Step("running", "by_hand", done)
    return _Step("done", None, done) if ours or not passed_on else _Step("refused", "for_the_tenant", done)


def _told(house: Ending, request: Request, step: _Step, clock: Callable[[], datetime]) -> _Step:
    """What was done here is over when everybody else who had the data knows of it."""
    if step.status != "done":
        return step
    found, failure = tell(house, request, clock=clock)
    done = {**step.done, "recipients": dict(found)}
    if failure is not None:
        return _Step("failed", "unreachable", done, failure=failure)
    return _Step("running", "recipients", done) if "open" in found.values() else replace(step, done=done)


def _end(house: Ending, request: Request, step: _Step, now: datetime) -> Request:
    """The state that a try ended in, with its numbers sealed beside whom it was about.

    What one try did and another finished is told as one: the person is not answered that nothing was deleted.
    """

    def change(there: Request) -> Request:
        result = dict(there.result(house.keyring) or {})
        before = result.get("done") or {}
        sums = {name: before.get(name, 0) + step.done[name] for name in _ADDED if name in step.done}
        result["done"] = {**step.done, **sums} or before
        return replace(there, reason=step.reason).with_result(house.keyring, result)

    return house.control.requests.move(request.id, step.status, change, now=now)
