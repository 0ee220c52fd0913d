"""The control database: what was done, who may do it now, and what waits for a person.

It outlives Dagster's history and every operational database, so evidence and mutual exclusion do
not depend on the systems they are about.
"""

from __future__ import annotations

from genuka_pipelines.control.anchor import Anchor
from genuka_pipelines.control.bodies import (
    Anchored,
    Body,
    Check,
    Done,
    Lifecycle,
    Observation,
    Planned,
    Seeded,
    StagedShard,
    Staging,
)
from genuka_pipelines.control.entry import Entry, Head, Intent
from genuka_pipelines.control.errors import (
    Busy,
    ClockAhead,
    ClockSetBack,
    ControlAddressWrong,
    ControlNotReady,
    ControlRefused,
    ControlTooNew,
    ControlUnreachable,
    ForeignDatabase,
    IntentClosed,
    LeaseLost,
    LedgerDamaged,
    NotOpaque,
)
from genuka_pipelines.control.leases import Lease, Leases
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.merkle import merkle_root
from genuka_pipelines.control.opening import Control, open_control
from genuka_pipelines.control.reviews import Finding, Review, Reviews, ReviewUnknown
from genuka_pipelines.control.schema import upgrade
from genuka_pipelines.control.verification import Fault, Problem, Verification

__all__ = [
    "Anchor",
    "Anchored",
    "Body",
    "Busy",
    "Check",
    "ClockAhead",
    "ClockSetBack",
    "Control",
    "ControlAddressWrong",
    "ControlNotReady",
    "ControlRefused",
    "ControlTooNew",
    "ControlUnreachable",
    "Done",
    "Entry",
    "Fault",
    "Finding",
    "ForeignDatabase",
    "Head",
    "Intent",
    "IntentClosed",
    "Lease",
    "LeaseLost",
    "Leases",
    "Ledger",
    "LedgerDamaged",
    "Lifecycle",
    "NotOpaque",
    "Observation",
    "Planned",
    "Problem",
    "Review",
    "ReviewUnknown",
    "Reviews",
    "Seeded",
    "StagedShard",
    "Staging",
    "Verification",
    "merkle_root",
    "open_control",
    "upgrade",
]
