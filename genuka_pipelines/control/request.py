"""A request as a value: what is told of it in clear, the states it goes through, and how it stands in its table.

Who asks, and what they wrote, opens only with the keyring; the ledger gets neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Row

from genuka_pipelines.catalog.request import Channel, RequestKind
from genuka_pipelines.control.canonical import canonical_json
from genuka_pipelines.control.opaque import Hash, Id, Opaque
from genuka_pipelines.control.scopes import Keys

RequestStatus = Literal["received", "identified", "approved", "running", "done", "refused", "failed"]
RequestReason = Literal[
    "not_identified", "identity_expired", "nothing_found", "unfounded", "excessive", "withdrawn", "for_the_tenant",
    "law", "preview_changed", "held", "survivors", "by_hand", "unreachable", "complex", "many_requests",
    "retrieval", "waits", "grace", "confirmation", "recipient", "recipients",
]  # fmt: skip
"""Why a request is refused, waits or failed, or why its answer takes longer: a closed list, no free text.

`recipient`: nobody gave a key for whom the answer is sealed; `recipients`: others who had the data are to be told.
"""
IdentityCheck = Literal["signed_in", "reply_from_address", "call_back", "document", "known_to_tenant", "in_person"]
ENDED: frozenset[RequestStatus] = frozenset({"done", "refused"})
FOLLOWS: Mapping[RequestStatus, frozenset[RequestStatus]] = {
    "received": frozenset({"identified", "refused"}),
    "identified": frozenset({"identified", "approved", "refused"}),
    "approved": frozenset({"running", "identified", "refused"}),
    "running": frozenset({"done", "failed", "identified", "running", "refused"}),
    "failed": frozenset({"running", "identified", "refused"}),
    "done": frozenset(),
    "refused": frozenset(),
}
"""What each state may become. An approval whose preview changed, or whose identity check grew old, is one no more."""
_SEALED = ("said", "outcome")
_IN_CLEAR = (
    "id", "kind", "channel", "status", "reason", "tenant", "person", "arrived_on", "due_on", "extended",
    "opened_by", "opened_at", "changed_at", "identity", "identified_by", "identified_at", "preview", "approved_by",
    "approved_at", "confirmed_by", "attempts", "tried_at", "ended_at",
)  # fmt: skip


class Told(Opaque):
    """What is said of a request in clear."""

    noun = "a request"
    kind: RequestKind
    channel: Channel
    opened_by: Id
    tenant: Id | None = None


class Identified(Opaque):
    """How somebody's identity was made sure of, and by whom."""

    noun = "an identity check"
    identity: IdentityCheck
    identified_by: Id


class Approved(Opaque):
    """Who let a request run, for which preview."""

    noun = "an approval"
    approved_by: Id
    preview: Hash


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `arrived_on` and `due_on` are days in the operator's zone; `person` is a keyed hash.

    `said` is what was asked (addresses, keys, corrections), `outcome` what became of it: both for the keyring alone.
    """

    id: str
    kind: RequestKind
    channel: Channel
    status: RequestStatus
    arrived_on: date
    due_on: date
    opened_by: str
    opened_at: datetime
    changed_at: datetime
    person: str
    said: bytes = field(repr=False)
    tenant: str | None = None
    reason: RequestReason | None = None
    extended: bool = False
    identity: IdentityCheck | None = None
    identified_by: str | None = None
    identified_at: datetime | None = None
    preview: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    confirmed_by: str | None = None
    attempts: int = 0
    tried_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: bytes | None = field(default=None, repr=False)

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do."""
        return self.status in ENDED

    def opened(self, keys: Keys) -> Mapping[str, Any]:
        """What was asked. Undecryptable with other keys than those that sealed it."""
        asked: Mapping[str, Any] = json.loads(keys.unseal(self.said, context_of(self.id)))
        return asked

    def result(self, keys: Keys) -> Mapping[str, Any] | None:
        """What became of it; None before."""
        if self.outcome is None:
            return None
        found: Mapping[str, Any] = json.loads(keys.unseal(self.outcome, context_of(self.id)))
        return found

    def with_result(self, keys: Keys, result: Mapping[str, Any]) -> Request:
        """The same with what became of it."""
        return replace(self, outcome=sealed(self.id, keys, result))


def context_of(request: str) -> str:
    """What its parts are sealed for: no other request opens them."""
    return f"request {request}"


def sealed(request: str, keys: Keys, content: Mapping[str, Any]) -> bytes:
    """Content that only the keyring opens, for this request."""
    return keys.seal(canonical_json(dict(content)).encode(), context_of(request))


def written(request: Request) -> dict[str, Any]:
    """The request as a row."""
    return {name: getattr(request, name) for name in (*_IN_CLEAR, *_SEALED)}


def read(row: Row[Any]) -> Request:
    """The request of a row."""
    stored = row._mapping
    return Request(**{name: stored[name] for name in (*_IN_CLEAR, *_SEALED)})
