"""A hold as a value, and how it stands in its table and in the ledger.

What is kept of it in clear has no room for free text; whom it binds opens only with the keyring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row

from genuka_pipelines.control.bodies import HoldKind
from genuka_pipelines.control.opaque import Id, Key, Opaque
from genuka_pipelines.control.scopes import Keys, Scope, SealedScope

Reason = Literal[
    "legal_claim", "court_order", "authority_request", "audit", "payment_dispute", "security_incident", "abuse",
    "accuracy_contested", "processing_unlawful", "needed_for_a_claim", "objection_pending",
]  # fmt: skip
"""Why; the last four are those for which a person may ask for restriction. Source: GDPR, article 18(1)."""


class Terms(Opaque):
    """What is said of a hold in clear: no free text, so nothing about a person."""

    noun = "a hold"
    kind: HoldKind
    reason: Reason
    reference: Key
    author: Id


class Change(Opaque):
    """Who changes a hold."""

    noun = "a hold's change"
    by: Id


_OF_SCOPE = ("target", "system", "digest", "sealed")
_IN_CLEAR = (
    "id", "kind", "reason", "reference", "author",
    "placed_at", "expires_at", "renewed_by", "released_at", "released_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredHold:
    """A hold. `reference` is an opaque name of the case; `author` and the others are ids of the staff."""

    id: str
    kind: HoldKind
    scope: SealedScope
    reason: Reason
    reference: str
    author: str
    placed_at: datetime
    expires_at: datetime | None = None
    renewed_by: str | None = None
    released_at: datetime | None = None
    released_by: str | None = None

    def opened(self, keys: Keys) -> Scope:
        """Whom or what it binds. Undecryptable with other keys than those that sealed it."""
        return self.scope.opened(keys, context_of(self.id))


def context_of(hold: str) -> str:
    """What its scope is sealed for: no other hold opens it."""
    return f"hold {hold}"


def written(hold: StoredHold) -> dict[str, Any]:
    """The hold as a row."""
    scope = hold.scope
    sealed = {"scope": scope.kind, **{name: getattr(scope, name) for name in _OF_SCOPE}}
    return sealed | {name: getattr(hold, name) for name in _IN_CLEAR}


def read(row: Row[Any]) -> StoredHold:
    """The hold of a row."""
    stored = row._mapping
    scope = SealedScope(kind=stored["scope"], **{name: stored[name] for name in _OF_SCOPE})
    return StoredHold(scope=scope, **{name: stored[name] for name in _IN_CLEAR})


def said(hold: StoredHold) -> dict[str, Any]:
    """What the ledger says of a hold."""
    return {
        "hold": hold.id,
        "measure": hold.kind,
        "scope": hold.scope.kind,
        "digest": hold.scope.digest,
        "category": hold.scope.target if hold.scope.kind == "category" else None,
        "until": hold.expires_at and hold.expires_at.date(),
    }
