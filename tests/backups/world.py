"""A house of real databases whose nights are remembered, so that whatever a store holds can be compared with it.

Each story has stores of its own in memory, and finds the databases as they were at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from genuka_pipelines.backups.calendar import Epoch
from genuka_pipelines.backups.capturing import Captured, capture
from genuka_pipelines.backups.capturing.state import forget
from genuka_pipelines.backups.format.manifest import Header
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.regions.catalogue import catalogue
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.backups.regions.replicating import replicate
from genuka_pipelines.backups.regions.verifying import verify_region
from genuka_pipelines.backups.restoring.fetching import Fetcher
from genuka_pipelines.backups.restoring.reading import Backup
from genuka_pipelines.backups.vault.vault import Vault
from genuka_pipelines.catalog.backup import BackupPlan
from genuka_pipelines.control import Erasure
from genuka_pipelines.rows.destroying import apply
from genuka_pipelines.rows.selection import OfPerson
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from tests.backups import taken
from tests.backups.faults import Faulty
from tests.backups.made import folder, region, scratch
from tests.backups.stories import Dice, told
from tests.backups.taken import ALPHA, BETA, OWN, SYSTEM, BackedHouse, fill, rows_in
from tests.backups.test_capture import Lines, Nights
from tests.rows.destroyer import QUICK


class Anywhere(Nights):
    """Nights that are read from whichever region has them: where one was down, a night began in the other."""

    def opened(self, tenant: str | None, backup: str) -> Backup:
        house, regions = self.house, self.house.regions
        vault = Vault(house.keyring, regions, house.control.ledger)
        return Backup(Fetcher(regions), vault, house.keyring, owner_of(tenant, house.keyring), backup)


@dataclass
class Story:
    """A house with stores of its own, and what its source was each time that somebody began to capture it."""

    house: BackedHouse
    dice: Dice
    now: datetime
    expected: dict[datetime, Lines] = field(default_factory=dict)
    own: Database | None = None
    source: Lines | None = None

    @property
    def nights(self) -> Nights:
        found = Anywhere.__new__(Anywhere)
        found.house, found.now, found.folder = self.house, self.now, self.house.backups
        return found

    def faulty(self, rate: float = 0.08, *, dying: bool = False, skew: float | None = None) -> BackedHouse:
        """The house with a network that fails, and dead after a while where it is `dying`."""
        lives = self.dice.randint(1, 60) if dying else None
        stores = {
            name: Faulty(store, self.dice.seed_of_its_own(), rate, calls_to_live=lives, skew=skew)
            for name, store in self.house.stores.items()
        }
        return replace(self.house, stores=cast("dict[str, FolderStore]", stores))

    @property
    def plan(self) -> BackupPlan:
        return self.house.catalog.backups["nightly"]

    def capture(self, house: BackedHouse | None = None, broken: AbstractContextManager[None] | None = None) -> Captured:
        """A night, some minutes after the last; while the source is `broken`."""
        with self.night() as at, broken or nullcontext():
            return capture(house or self.house, self.plan, now=at)

    @contextmanager
    def night(self) -> Iterator[datetime]:
        """The moment of an attempt, some minutes after the last; what the source is then is remembered."""
        self.now += timedelta(minutes=self.dice.randint(1, 30))
        self.source = self.source or self.nights.source()
        self.expected[self.now] = self.source
        yield self.now

    def headers(self) -> Mapping[tuple[str, str], Header]:
        """Every manifest that is in any region."""
        found: dict[tuple[str, str], Header] = {}
        for where in self._regions():
            found |= catalogue(where, verify=self.house.keyring.verify, now=datetime.now(UTC), workers=1).manifests
        return found

    def prove_each(self) -> None:
        """Every manifest that is there, of whichever attempt, gives back what the source was when that began."""
        keyring, nights = self.house.keyring, self.nights
        tenants = {owner_of(one, keyring).id: one for one in (None, ALPHA, BETA, OWN, "quiet")}
        for (owner, backup), header in self.headers().items():
            tenant = tenants[owner]
            then = {key: rows for key, rows in self.expected[header.created].items() if key[0] == tenant}
            assert {key: rows for key, rows in nights.restored(tenant, backup).items() if rows} == then

    def prove(self) -> None:
        """The same; and each region has all of it, once they were brought together."""
        self.prove_each()
        now, (france, usa) = datetime.now(UTC), self._regions()
        for source, target in ((france, usa), (usa, france)):
            replicate(source, target, verify=self.house.keyring.verify, now=now, workers=1)
        self.closed()

    def closed(self) -> None:
        """A manifest or night that is in a region has there everything it names, whole and locked."""
        for where in self._regions():
            seen = verify_region(where, verify=self.house.keyring.verify, now=datetime.now(UTC), workers=1)
            assert seen.bad_keys() == ()

    def _regions(self) -> tuple[Region, ...]:
        return tuple(region(name, store) for name, store in self.house.regions.items())

    def change(self) -> None:
        """Rows inserted, altered, deleted and moved, and a table altered."""
        dice, house, self.source = self.dice, self.house, None
        number, part = dice.randrange(10**6), dice.randint(2, 5)
        shared = [
            f"UPDATE orders SET note = 'n{number}' WHERE id % {part} = 0",
            f"DELETE FROM order_lines WHERE id % {part} = 0",
            f"UPDATE customers SET name = 'l''été {number}' WHERE id LIKE '%c{dice.randrange(4)}'",
            f"UPDATE customers SET company_id = 'quiet' WHERE id = '{ALPHA}-c{dice.randrange(4)}'",
            "INSERT INTO jobs VALUES ('same')",
            f"UPDATE news SET title = E'\\\\\\t{number}' WHERE id = {dice.randint(1, 2)}",
            f"INSERT INTO news VALUES ({100 + number}, 'é')",
            "ALTER TABLE orders ADD COLUMN IF NOT EXISTS extra text DEFAULT 'd'",
            f"INSERT INTO order_lines (order_id, label) SELECT id, 'l{number}' FROM orders WHERE id % {part} = 1",
        ]
        house.run(*dice.sample(shared, dice.randint(0, 3)))
        if self.own is not None and dice.happens(0.3):
            house.run(f"UPDATE orders SET note = 'n{number}' WHERE id % {part} = 0", database=self.own)


@contextmanager
def story(seed: int, house: BackedHouse, *, own: float = 0.2, **given: Any) -> Iterator[Story]:
    """The house as it was at first, with empty stores and no memory, at some hour of this epoch or the last. `own` is
    how likely it has a tenant with a database of its own."""
    with told(seed) as dice, scratch() as path:
        stores = {name: folder(path / name, name) for name in house.stores}
        here = replace(house, stores=stores, folder=path, **given)
        database = _as_at_first(here, own=dice.happens(own))
        forget(here.backups)
        begins = Epoch.at(datetime.now(UTC)).begins - timedelta(minutes=dice.choice([0, 30]))
        yield Story(here, dice, begins, own=database)


def _as_at_first(house: BackedHouse, *, own: bool) -> Database | None:
    register = taken.REGISTER.insert().values([{"company_id": OWN, "mode": "dedicated", "dsn_secret_ref": "own"}])
    house.run(
        "SET lock_timeout = '20s'",
        "ALTER TABLE orders DROP COLUMN IF EXISTS extra",
        "TRUNCATE customers, orders, order_lines, news, jobs, tenant_databases RESTART IDENTITY",
        taken.NEWS.insert().values([{"id": 1, "title": "Tab\there\\and\nthere"}, {"id": 2, "title": None}]),
        "INSERT INTO jobs VALUES ('same'), ('same')",
        *([register] if own else []),
    )
    fill(house, ALPHA, customers=3)
    fill(house, BETA, customers=1)
    if not own:
        return None
    database = house.opened.of(house.opened.tenants(datetime.now(UTC))[OWN])
    house.run("SET lock_timeout = '20s'", "TRUNCATE customers, orders, order_lines RESTART IDENTITY", database=database)
    fill(house, OWN, database, customers=1)
    return database


Ids = Mapping[str, set[Any]]


def rows_of(house: BackedHouse, tenant: str) -> Ids:
    """The ids of a tenant's rows in the shared database."""
    orders = {one for one, whose in rows_in(house.shared.url, taken.ORDERS, "id", "company_id") if whose == tenant}
    lines = rows_in(house.shared.url, taken.LINES, "id", "order_id")
    customers = rows_in(house.shared.url, taken.CUSTOMERS, "id", "company_id")
    return {
        "customers": {one for one, whose in customers if whose == tenant},
        "orders": orders,
        "order_lines": {one for one, order in lines if order in orders},
    }


def erase(house: BackedHouse, dice: Dice, ids: Ids) -> Ids:
    """Erase some rows, long before the backup, just before, and since: the ids of those that must not come back."""
    gone: dict[str, set[Any]] = {"customers": set(), "orders": set()}
    now = datetime.now(UTC)
    for table in gone:
        for key in sorted(ids[table]):
            if dice.happens(0.5):
                continue
            ago = dice.choice([timedelta(hours=5), timedelta(minutes=20), timedelta(0)])
            if not ago and table == "customers" and dice.happens(0.3):
                asked = OfPerson({"shopper": (key,)})
                apply(asked, house, SYSTEM, as_of=now, clock=lambda: datetime.now(UTC), limits=QUICK)
            else:
                row = house.keyring.erasure.hex(f"{table}\x1f{key}".encode())
                house.control.erasures.record(
                    [Erasure(row=row, table=table, system=SYSTEM, at=now - ago, origin="request")]
                )
                if table == "orders" and ago < timedelta(hours=1):  # not only anonymised, as by the person's request
                    house.run(
                        taken.LINES.delete().where(taken.LINES.c.order_id == key),
                        taken.ORDERS.delete().where(taken.ORDERS.c.id == key),
                    )
            if ago < timedelta(hours=1):
                gone[table].add(key)
    return gone


def schemas(url: sa.URL) -> set[str]:
    names: Sequence[str] = sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_schema_names()
    return set(names) - {"information_schema"}
