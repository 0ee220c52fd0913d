"""The intention to drop a database, and its outcome: written by a look at the server, never from memory.

A process may be killed between any two steps; whoever comes next finds the intention, looks whether the
database is there, and writes what is true.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from genuka_pipelines.catalog.processor import Tenants
from genuka_pipelines.control import Intent, Planned, merkle_root
from genuka_pipelines.retention.endings import Announced, Ending
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.house import House
from genuka_pipelines.rows.tenants import Tenant
from genuka_pipelines.rows.where import UNIT
from genuka_pipelines.systems.column_types import as_text
from genuka_pipelines.systems.dropping import exists

_CONTEXT = "the database of an open intention"


@dataclass(frozen=True)
class Dropping:
    """The intentions of one rule on one register."""

    house: House
    databases: Databases
    register: DeclaredTable
    tenants: Tenants
    announced: Announced
    clock: Callable[[], datetime]

    def intend(self, ending: Ending, as_of: datetime) -> Intent:
        """Write down that a tenant's database is about to go."""
        planned = Planned(
            rule=self.announced.subject, table=self.register.name, count=1, root=self._root(ending.tenant)
        )
        sealed = self.house.keyring.seal(json.dumps([ending.tenant, ending.ref]).encode(), _CONTEXT)
        return self.house.control.ledger.intend(planned, as_of=as_of, now=self.clock(), sealed=sealed)

    def open(self) -> Iterator[tuple[Intent, str, str]]:
        """What a killed process left open, with the tenant and the reference of its address."""
        for intent in self.house.control.ledger.open_intents(self.announced.subject):
            if intent.planned.rule == self.announced.subject:
                tenant, ref = json.loads(self.house.keyring.unseal(intent.sealed, _CONTEXT))
                yield intent, tenant, ref

    def settle(self, intent: Intent, tenant: str, ref: str) -> bool:
        """Look whether the database is gone; if so, date its end in the register. Then write the outcome."""
        gone = not exists(self.databases.of(Tenant(tenant, "dedicated", ref)))
        if gone:
            self._date(tenant, intent.as_of)
        root = self._root(tenant) if gone else merkle_root([])
        self.house.control.ledger.outcome(intent, count=int(gone), root=root, as_of=intent.as_of, now=self.clock())
        return gone

    def _root(self, tenant: str) -> str:
        return merkle_root([self.house.keyring.erasure.digest(f"{self.register.name}{UNIT}{tenant}".encode())])

    def _date(self, tenant: str, moment: datetime) -> None:
        """Write the day into the register, once, so that nobody looks for the database again."""
        database = self.register.home.database
        table, dropped = database.table(self.register.name), str(self.tenants.dropped)
        theirs = as_text(table.c[self.tenants.registry_tenant]) == tenant
        with database.writing() as connection:
            connection.execute(table.update().where(theirs, table.c[dropped].is_(None)).values({dropped: moment}))
