"""What can go wrong in the control database, each named for the harm.

A driver's text may hold values and a password; these sentences hold neither, and say what to do.
"""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class ControlUnreachable(GenukaError):
    """The control database does not answer."""


class ControlRefused(GenukaError):
    """The control database answered and refused: rights, space, a lock, a broken rule."""


class ControlAddressWrong(GenukaError):
    """The address is not one of a PostgreSQL, MySQL or MariaDB database."""


class ControlNotReady(GenukaError):
    """The control database is empty or older than this program."""


class ControlTooNew(GenukaError):
    """The control database was made by a newer version of this program."""


class ForeignDatabase(GenukaError):
    """The database holds tables of somebody else: nothing is created among them."""


class NotOpaque(GenukaError):
    """Something other than an opaque name, a count, a hash or a date was to be written down for ever."""


class ClockSetBack(GenukaError):
    """An entry would be dated before the ledger's last one."""

    def __init__(self, now: datetime, last: datetime) -> None:
        super().__init__(
            f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC but the ledger's last entry was written at "
            f"{last:%Y-%m-%d %H:%M:%S} UTC: set the clock of this machine right, nothing was written"
        )


class ClockAhead(GenukaError):
    """An entry would be dated in the future, and stop every later one."""

    def __init__(self, now: datetime, database: datetime) -> None:
        super().__init__(
            f"the clock says {now:%Y-%m-%d %H:%M:%S} UTC but the control database says "
            f"{database:%Y-%m-%d %H:%M:%S} UTC: set the clock of this machine right, nothing was written"
        )


class LedgerDamaged(PromiseBroken):
    """The ledger is not what this program wrote; `genuka ledger verify` names the entry."""


class IntentClosed(GenukaError):
    """An outcome is already recorded for this intention."""

    def __init__(self, seq: int) -> None:
        super().__init__(
            f"the intention of ledger entry {seq} already has its outcome: "
            "record a new intention before destroying anything more"
        )


class Busy(GenukaError):
    """Another process does this work, or is in the way, now: try again."""


class LeaseTaken(Busy):
    """Another process does this work now."""

    def __init__(self, capability: str, shard: str, since: datetime, until: datetime) -> None:
        super().__init__(
            f"{capability} on shard {shard} is already running since {since:%Y-%m-%d %H:%M:%S} UTC: "
            f"wait for it to end, or for its lease to end at {until:%H:%M:%S} UTC"
        )
        self.capability, self.shard, self.since, self.until = capability, shard, since, until


class GateBusy(Busy):
    """The holds could not be reached in time: a batch, or another change, takes too long."""

    def __init__(self) -> None:
        super().__init__(
            "the holds stayed locked by another process for more than a minute, nothing was changed: "
            "try again, and pause the sweep if it goes on"
        )


class GateLost(GenukaError):
    """The lock on the holds ended before the batch did: a hold placed meanwhile may not have been seen."""

    def __init__(self) -> None:
        super().__init__(
            "the connection that kept the holds still was lost while rows were being destroyed: "
            "run it again, which first looks at what was done"
        )


class HoldUnknown(GenukaError):
    """The hold is released, or never was."""


class HoldUnclear(GenukaError):
    """A hold would bind nothing, or end before it begins."""


class PaceWrong(GenukaError):
    """A pace that would stop the work for ever, or is none."""


class NoticeUnknown(GenukaError):
    """The notice was sent, or never was issued."""


class DebitDiffers(GenukaError):
    """A release was paid for at another price: what it would tell now is not what was paid for."""


class RequestNotThere(GenukaError):
    """No request has this id."""


class RequestOutOfTurn(GenukaError):
    """A request cannot go from its state to that one."""

    def __init__(self, request: str, before: str, after: str) -> None:
        super().__init__(
            f"request {request} is {before} and cannot become {after}: `genuka request show` says what is next"
        )


class RecipientUnknown(GenukaError):
    """A request has no such recipient to be told."""

    def __init__(self, request: str) -> None:
        super().__init__(
            f"request {request} has no such recipient: `genuka request show {request}` lists those to be told"
        )


class RecipientSettled(GenukaError):
    """A recipient was told before, or found impossible to tell."""

    def __init__(self, request: str, recipient: str, state: str) -> None:
        super().__init__(f"{recipient} is {state} for request {request} already: there is nothing more to record")


class DeliveryUnknown(GenukaError):
    """No delivery has this id."""


class DeliveryOver(GenukaError):
    """A delivery was withdrawn, or its time is over."""


class DeliveryDiffers(GenukaError):
    """A delivery of this id was made of other bytes."""


class LedgerTooYoung(GenukaError):
    """Entries would be removed before their time."""


class LeaseLost(GenukaError):
    """The right to do this work went to another process, or was not renewed in time."""

    def __init__(self, capability: str, shard: str) -> None:
        super().__init__(
            f"the lease for {capability} on shard {shard} was lost before the work ended: "
            "nothing more was written, run it again"
        )
        self.capability, self.shard = capability, shard
