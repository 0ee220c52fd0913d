"""What may run: everything that destroys or discloses is off until a person switched it on.

A capability that ran because a schedule happened to be started would have nobody who decided it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from genuka_pipelines.control.bodies import Switched
from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.opaque import Id, Name, Opaque
from genuka_pipelines.control.tables import switches

RETENTION_SWEEP = "retention_sweep"
BACKUP_EXPIRY = "backup_expiry"
CAPABILITIES = (RETENTION_SWEEP, BACKUP_EXPIRY)
"""Everything that a person switches on."""


class _Decision(Opaque):
    noun = "a switch"
    capability: Name
    by: Id


class Switches:
    """The switches of one control database."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database, self._ledger = database, ledger

    def on(self, capability: str) -> bool:
        """Whether it may run; False for what nobody ever switched."""
        query = select(switches.c.is_on).where(switches.c.capability == capability)
        with self._database.begin() as connection:
            return connection.execute(query).scalar() is True

    def switch(self, capability: str, on: bool, *, by: str, now: datetime) -> bool:
        """Switches it on or off, and writes that down; False, and nothing written, when it already was so.

        `by` is an opaque id of the staff, `now` the wall time. Raises NotOpaque, ClockSetBack, ClockAhead.
        """
        decision = _Decision(capability=capability, by=by)
        said = Switched(capability=decision.capability, on=on)
        values = {"is_on": on, "changed_at": in_utc(now), "changed_by": decision.by}
        its = switches.c.capability == decision.capability
        with self._database.begin() as connection:
            self._ledger.alone(connection)
            before = connection.execute(select(switches.c.is_on).where(its)).scalar()
            if before is on:
                return False
            if before is None:
                connection.execute(insert(switches).values(capability=decision.capability, **values))
            else:
                connection.execute(update(switches).where(its).values(values))
            self._ledger.append_within(connection, [said], as_of=now, now=now)
        return True
