"""What a request for access or portability comes to: refused, waiting for a key to seal with, or handed over.

A package that was sealed for nobody cannot be sent, and one that was not sealed must not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from genuka_pipelines.requests.package.choosing import PackageKind, choose
from genuka_pipelines.requests.package.making import make

if TYPE_CHECKING:
    from genuka_pipelines.control.request import Request, RequestReason, RequestStatus
    from genuka_pipelines.exports.sealing.envelope import Recipient
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.requests.house import Answering
    from genuka_pipelines.requests.person import Person


def hand_over(
    house: Answering,
    request: Request,
    whom: Sought,
    person: Person,
    routed: Mapping[str, int],
    *,
    to: Recipient | None,
    as_of: datetime,
    now: datetime,
) -> tuple[RequestStatus, RequestReason | None, Mapping[str, Any]]:
    """The state that a try ends in, its reason, and its numbers. `routed` are rows by tenant that answers for them.

    Without `to` it waits: the person's age key, or a passphrase, is given by people. Raises what `make` does.
    """
    choice = choose(house, cast("PackageKind", request.kind), person, routed, as_of=as_of)
    if choice.empty:
        return "refused", "for_the_tenant" if routed else "nothing_found", {"routed": dict(routed)}
    if to is None:
        return "running", "recipient", {"rows": choice.rows, "routed": dict(routed)}
    return "done", None, make(house, request, whom, choice, to=to, as_of=as_of, now=now).done
