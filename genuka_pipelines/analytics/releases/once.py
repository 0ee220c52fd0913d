"""Makes a release, once: paid for, computed, given noise, stored; or found, and then it is what was stored.

Noise that is drawn twice for one figure can be averaged away, and a budget that is checked after the
figures were seen protects nobody. So the order here is the promise.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.analytics.errors import NothingStaged, NotYetComplete, ReleaseDamaged, UnknownTable
from genuka_pipelines.analytics.releases.calendar import every_of, settled_at, year_of
from genuka_pipelines.analytics.releases.debts import settle
from genuka_pipelines.analytics.releases.release import (
    STORE,
    Manifest,
    Release,
    Slot,
    from_bytes,
    release_path,
    slot_folder,
    slots_in,
    to_bytes,
    told,
)
from genuka_pipelines.analytics.releases.spec import spec_in

if TYPE_CHECKING:
    from genuka_pipelines.analytics.noise.plan import Plan
    from genuka_pipelines.analytics.releases.release import Spent
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.catalog.published import AnonymisedTable, Privacy
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.stores.store import Store

_LEASE = timedelta(minutes=2)
"""Renewed while a process lives; so long after it was killed nobody else makes the same release."""


class Surroundings(Protocol):
    """The opened house, as far as releases look."""

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""

    @property
    def control(self) -> Control:
        """Budgets, leases, ledger."""

    @property
    def keyring(self) -> Keyring:
        """The key that salts are made with."""

    @property
    def staging(self) -> Path:
        """The folder of staged tables."""

    def store(self, system: str) -> Store:
        """The opened store of a system."""


@dataclass(frozen=True)
class Heading:
    """A stored release, unread. `present`: made by the table's present declaration."""

    slot: Slot
    present: bool

    @property
    def path(self) -> str:
        """Its key in the store."""
        return release_path(self.slot)


def release_once(house: Surroundings, table: str, period: str, *, now: datetime, engine: str = "duckdb") -> Release:
    """The release of a table for a period: the stored one, or a new one where there is none.

    `now` is the wall time; `engine` is duckdb or spark. Raises UnknownTable, NoSuchPeriod, NotYetComplete,
    NothingStaged, LeaseTaken (a Busy), OverBudget, DebitDiffers, UnitOutweighs, BoundaryBroken,
    ReleaseDamaged, and what the store and the control database raise. Whatever it raises, nothing was
    released; a debit may have been written, which a later try finds.
    """
    facts, privacy = _declared(house.catalog, table)
    if every_of(period) != facts.period.every:
        raise NotYetComplete(f"{table} is released by the {facts.period.every}, and {period} is none")
    slot = Slot(table, period, spec_in(house.catalog, table))
    found = _found(house, slot, now)
    if found is not None:
        return found
    _refuse_early(house, slot, facts, privacy, now)
    shard = period.lower().replace("-", "_")
    with house.control.leases.hold(f"release_{table.lower()}"[:64], shard, uuid.uuid4().hex, _LEASE) as lease:
        found = _found(house, slot, now)
        if found is not None:
            return found
        data = to_bytes(_made(house, slot, facts, privacy, now=now, engine=engine))
        lease.check()
        _put(house, slot, data)
        made = _found(house, slot, now)
    if made is None:
        raise ReleaseDamaged(f"{release_path(slot)} was stored and is not there: look at the store")
    return made


def releases(house: Surroundings, table: str) -> Iterator[Heading]:
    """What the store holds of a table, by period and declaration: nothing is read. Raises UnknownTable."""
    _declared(house.catalog, table)
    present = spec_in(house.catalog, table)
    for slot in slots_in(house.store(STORE), slot_folder(table)):
        yield Heading(slot, slot.spec == present)


def year_spent(house: Surroundings, units: str, year: int, *, exact: bool = True) -> Spent:
    """What a class of units has cost in a year, and what it may. UnknownTable where no such class is declared."""
    from genuka_pipelines.analytics.releases.spending import spent

    privacy = house.catalog.privacy
    if privacy is None or units not in privacy.units:
        raise UnknownTable(f"no class of units is called '{units[:40]}'; the privacy facts declare them")
    return spent(house.control.budgets.spent(units, year), year=year, of=privacy.units[units].year, exact=exact)


def _declared(catalog: Catalog, table: str) -> tuple[AnonymisedTable, Privacy]:
    if catalog.privacy is None or table not in catalog.published:
        named = ", ".join(sorted(catalog.published)) or "none"
        raise UnknownTable(f"no table for analysts is called '{table[:60]}'; there are: {named}")
    return catalog.published[table], catalog.privacy


def _found(house: Surroundings, slot: Slot, now: datetime) -> Release | None:
    """The stored release; what the ledger says of it is compared, or said for one that was killed before it could."""
    from genuka_pipelines.control import ReleaseStored
    from genuka_pipelines.stores.errors import NoSuchObject

    path = release_path(slot)
    known = house.control.ledger.latest(ReleaseStored, f"{slot.table}/{slot.period}/{slot.spec}")
    try:
        data = house.store(STORE).get(path)
    except NoSuchObject:
        if known:
            # Made again, it would bear other noise, which can be averaged with what somebody kept of the first.
            raise ReleaseDamaged(f"{path} was released and is gone from the store: restore it from a copy") from None
        return None
    release = from_bytes(data, path)
    said = ReleaseStored(table=slot.table, period=slot.period, spec=slot.spec, sha256=hashlib.sha256(data).hexdigest())
    if not known:
        house.control.ledger.append(said, as_of=now, now=now)
    elif known[0].body != said:
        raise ReleaseDamaged(f"{path} is not what was stored there, says the ledger: restore it from a copy")
    return release


def _refuse_early(house: Surroundings, slot: Slot, facts: AnonymisedTable, privacy: Privacy, now: datetime) -> None:
    """Before anything is paid: the period is over, and was when its rows were staged; units can still be told."""
    from genuka_pipelines.control import Staging

    settled = settled_at(slot.period, facts.settles)
    if now < settled:
        raise NotYetComplete(f"{slot.table} for {slot.period} is complete on {settled:%Y-%m-%d}; release it then")
    product = facts.category.split("/")[0]
    entries = house.control.ledger.latest(Staging, f"{product}/{facts.table}")
    if not entries or not _files(house, facts):
        raise NothingStaged(f"{slot.table} is made of {product}/{facts.table}, which is not staged: stage it first")
    staged = entries[0].as_of
    if staged < settled:
        raise NothingStaged(
            f"{product}/{facts.table} was staged on {staged:%Y-%m-%d}, before {slot.period} was complete: "
            "stage it again"
        )
    keyed = privacy.units[facts.protects].keyed
    if keyed is not None and staged.date() > slot.begins + timedelta(days=keyed):
        raise NothingStaged(
            f"{product}/{facts.table} was staged on {staged:%Y-%m-%d}, when the keys of {slot.begins} were gone: "
            f"{slot.period} can no longer be counted"
        )


def _files(house: Surroundings, facts: AnonymisedTable) -> list[Path]:
    # Resolved once: the files of one generation, even while the next one replaces it.
    folder = (house.staging / facts.category.split("/")[0] / facts.table).resolve()
    return sorted(folder.glob("*.parquet"))


def _made(
    house: Surroundings, slot: Slot, facts: AnonymisedTable, privacy: Privacy, *, now: datetime, engine: str
) -> Release:
    from genuka_pipelines.analytics.bounding.aggregates import aggregates
    from genuka_pipelines.analytics.bounding.engines import open_engine
    from genuka_pipelines.analytics.bounding.query import query_of
    from genuka_pipelines.analytics.noise.cells import released
    from genuka_pipelines.analytics.noise.plan import planned

    salt = house.keyring.suppression.hex(b"genuka sampling\n" + release_path(slot).encode())
    query = query_of(facts, privacy, name=slot.table, begins=slot.begins, ends=slot.ends, salt=salt)
    plan = planned(query, privacy.units[facts.protects].year, name=slot.table)
    paid = _pay(house, slot, facts, privacy, plan, now)
    with open_engine(engine, _files(house, facts), spill=house.staging) as opened:
        exact = aggregates(opened, query, name=slot.table)
    manifest = Manifest(
        table=slot.table,
        period=slot.period,
        begins=slot.begins,
        ends=slot.ends,
        spec=slot.spec,
        category=facts.category,
        source=facts.table,
        unit=facts.unit,
        protects=facts.protects,
        once=facts.once,
        groups=query.groups,
        minimum=facts.minimum,
        dimensions=tuple(facts.dimensions),
        measures=told(facts),
        mechanisms=plan.named,
        selection=plan.selection,
        epsilon=plan.spend.epsilon,
        delta=plan.spend.delta,
        spent=paid,
        certificate=exact.certificate,
        engine=opened.name,
        versions={name: version(name) for name in ("genuka-pipelines", "opendp")} | {opened.name: opened.version},
        made=now.date(),
    )
    return Release(manifest, released(exact, query, plan))


def _pay(house: Surroundings, slot: Slot, facts: AnonymisedTable, privacy: Privacy, plan: Plan, now: datetime) -> Spent:
    from genuka_pipelines.analytics.releases.spending import debit_of, refuse_beyond, spent

    year = privacy.units[facts.protects].year
    settle(house, now=now)
    debits, _ = house.control.budgets.debit(
        debit_of(slot, facts, plan.cost),
        refuse=lambda all_: refuse_beyond(all_, asked=slot, units=facts.protects, of=year),
        now=now,
    )
    return spent(debits, year=year_of(slot.period), of=year)


def _put(house: Surroundings, slot: Slot, data: bytes) -> None:
    from genuka_pipelines.stores.errors import AlreadyThere, Occupied

    try:
        house.store(STORE).put(release_path(slot), data)
    except (AlreadyThere, Occupied):
        # Another process was first: its release is the release, and ours is forgotten unseen.
        return
