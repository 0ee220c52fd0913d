"""Which lock may be asked for: checked before any request, because it can never be taken back.

A COMPLIANCE lock longer than the policy allows cannot be shortened by anyone; some servers accept
one that has already ended and so lock nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from genuka_pipelines.stores.errors import Locked, RetentionRefused
from genuka_pipelines.stores.naming import Shown
from genuka_pipelines.stores.store import Retention

LONGEST_LOCK = timedelta(days=366)  # backups die within twelve months


def utc_now() -> datetime:
    """The real time: servers enforce locks by it, so a simulated time must not reach them."""
    return datetime.now(UTC)


def checked_until(until: datetime, now: datetime, shown: Shown) -> datetime:
    """`until` in UTC, rounded up to the second that servers keep; RetentionRefused if unfit."""
    if until.tzinfo is None:
        raise RetentionRefused(f"A lock in store {shown.store} needs an end with a time zone, such as UTC.")
    until = until.astimezone(UTC)
    if until <= now:
        raise RetentionRefused(
            f"A lock in store {shown.store} would end in the past ({until.isoformat()}): give a later end."
        )
    if until - now > LONGEST_LOCK:
        raise RetentionRefused(
            f"A lock in store {shown.store} would end more than {LONGEST_LOCK.days} days from now "
            f"({until.isoformat()}): give an earlier end, it cannot be shortened afterwards."
        )
    return until if not until.microsecond else until.replace(microsecond=0) + timedelta(seconds=1)


def refuse_locked(retention: Retention | None, now: datetime, what: str) -> None:
    """Raise Locked if the lock still holds at `now`; `what` names the version in the message."""
    if retention is not None and retention.until > now:
        raise Locked(f"The {what} is retained ({retention.mode}) until {retention.until.isoformat()}: wait for it.")


def refuse_shorter(retention: Retention | None, until: datetime, what: str) -> None:
    """Raise Locked if `until` comes before the end of the present lock."""
    if retention is not None and until < retention.until:
        raise Locked(
            f"The {what} is retained ({retention.mode}) until {retention.until.isoformat()}, "
            "which cannot be shortened: give that time or a later one."
        )
