"""The control database: what was done, what may not be destroyed, who may do it now, and what waits for a person.

It outlives Dagster's history and every operational database, so evidence and mutual exclusion do
not depend on the systems they are about.
"""

from __future__ import annotations

from genuka_pipelines.control.anchor import Anchor
from genuka_pipelines.control.bodies import (
    Absence,
    Anchored,
    Body,
    BudgetDebited,
    Check,
    Done,
    ErasuresPublished,
    HoldKind,
    HoldPlaced,
    HoldReleased,
    HoldRenewed,
    KeyShredded,
    Lifecycle,
    NoticeIssued,
    Observation,
    Planned,
    Pruned,
    RecoveryInstructed,
    ReleaseStored,
    Restored,
    Seeded,
    ShreddingAnnounced,
    StagedShard,
    Staging,
    Switched,
)
from genuka_pipelines.control.budgets import Budgets, Debit
from genuka_pipelines.control.entry import Entry, Head, Intent
from genuka_pipelines.control.erasures import Erasure, Origin
from genuka_pipelines.control.errors import (
    Busy,
    ClockAhead,
    ClockSetBack,
    ControlAddressWrong,
    ControlNotReady,
    ControlRefused,
    ControlTooNew,
    ControlUnreachable,
    DebitDiffers,
    ForeignDatabase,
    GateBusy,
    GateLost,
    HoldUnclear,
    HoldUnknown,
    IntentClosed,
    LeaseLost,
    LeaseTaken,
    LedgerDamaged,
    LedgerTooYoung,
    NoticeUnknown,
    NotOpaque,
    PaceWrong,
)
from genuka_pipelines.control.gate import Gate
from genuka_pipelines.control.hold import Reason, StoredHold
from genuka_pipelines.control.holds import Holds
from genuka_pipelines.control.leases import Lease, Leases
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.merkle import merkle_root
from genuka_pipelines.control.notices import Notice
from genuka_pipelines.control.opening import Control, open_control
from genuka_pipelines.control.pace import Pace
from genuka_pipelines.control.reviews import Finding, Review, Reviews, ReviewUnknown
from genuka_pipelines.control.schema import upgrade
from genuka_pipelines.control.scopes import (
    CategoryScope,
    Keys,
    RowScope,
    Scope,
    SealedScope,
    SubjectScope,
    TenantScope,
)
from genuka_pipelines.control.verification import Fault, Problem, Verification

__all__ = [
    "Absence",
    "Anchor",
    "Anchored",
    "Body",
    "BudgetDebited",
    "Budgets",
    "Busy",
    "CategoryScope",
    "Check",
    "ClockAhead",
    "ClockSetBack",
    "Control",
    "ControlAddressWrong",
    "ControlNotReady",
    "ControlRefused",
    "ControlTooNew",
    "ControlUnreachable",
    "Debit",
    "DebitDiffers",
    "Done",
    "Entry",
    "Erasure",
    "ErasuresPublished",
    "Fault",
    "Finding",
    "ForeignDatabase",
    "Gate",
    "GateBusy",
    "GateLost",
    "Head",
    "HoldKind",
    "HoldPlaced",
    "HoldReleased",
    "HoldRenewed",
    "HoldUnclear",
    "HoldUnknown",
    "Holds",
    "Intent",
    "IntentClosed",
    "KeyShredded",
    "Keys",
    "Lease",
    "LeaseLost",
    "LeaseTaken",
    "Leases",
    "Ledger",
    "LedgerDamaged",
    "LedgerTooYoung",
    "Lifecycle",
    "NotOpaque",
    "Notice",
    "NoticeIssued",
    "NoticeUnknown",
    "Observation",
    "Origin",
    "Pace",
    "PaceWrong",
    "Planned",
    "Problem",
    "Pruned",
    "Reason",
    "RecoveryInstructed",
    "ReleaseStored",
    "Restored",
    "Review",
    "ReviewUnknown",
    "Reviews",
    "RowScope",
    "Scope",
    "SealedScope",
    "Seeded",
    "ShreddingAnnounced",
    "StagedShard",
    "Staging",
    "StoredHold",
    "SubjectScope",
    "Switched",
    "TenantScope",
    "Verification",
    "merkle_root",
    "open_control",
    "upgrade",
]
