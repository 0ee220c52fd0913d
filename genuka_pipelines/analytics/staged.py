"""Stages one table: declared columns only, of consenting tenants and people only, and writes that down."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from genuka_pipelines.analytics.shards import TENANT, ShardWriter, StagedFile
from genuka_pipelines.analytics.ways import DayKeys, staged
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.shard import SHARDS
from genuka_pipelines.catalog.staging import Staging
from genuka_pipelines.control import StagedShard
from genuka_pipelines.control import Staging as Entry
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import tenant_of
from genuka_pipelines.rows.state import in_state

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.databases import Databases
    from genuka_pipelines.rows.declared import DeclaredTable, Home

_LEASE = timedelta(minutes=2)
_LONGEST = timedelta(days=3_700)


class House(Protocol):
    """What staging needs of the opened house."""

    @property
    def catalog(self) -> Catalog:
        """The declared facts."""

    @property
    def control(self) -> Control:
        """Ledger and leases."""

    @property
    def keyring(self) -> Keyring:
        """The pseudonym and device-day keys."""

    @property
    def staging(self) -> Path:
        """The folder of staged tables."""

    def databases(self, system: str) -> Databases:
        """The databases of a system."""


class NoDay(GenukaError):
    """A device-day has no day: its key would have to be one that never dies."""


@dataclass(frozen=True)
class StagedTable:
    """A staged table: its columns, and a file for every shard that has rows."""

    columns: tuple[str, ...]
    files: tuple[StagedFile, ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(file.rows for file in self.files)

    @property
    def digest(self) -> str:
        """The same for the same files: the data version of the asset."""
        return hashlib.sha256(repr([(file.shard, file.sha256) for file in self.files]).encode()).hexdigest()[:16]


def stage_table(house: House, category: str, table: str, *, as_of: datetime, now: datetime) -> StagedTable:
    """Read the table once, and replace its files; one process at a time, Busy for a second."""
    declared = house.catalog.categories[category]
    staging = declared.tables[table].staging
    assert staging is not None, "only staged tables are staged"  # noqa: S101
    product = category.split("/")[0]
    opted_in = declared.opt_in if declared.role == "processor" else None
    databases = house.databases(declared.system)
    with (
        house.control.leases.hold(f"staging_{product}_{table}", "00", uuid.uuid4().hex, _LEASE),
        ShardWriter(house.staging / product / table) as writer,
    ):
        for home, within in databases.within(house.catalog, table, opted_in=opted_in, as_of=as_of):
            query = _query(home, table, staging, house.keyring, as_of)
            for batch in home.database.stream(query if within is None else query.where(within)):
                writer.write(batch)
        made = StagedTable(tuple(staging.columns), writer.finish())
        _write_down(house, product, table, made, as_of, now)
    return made


def _query(home: Home, name: str, staging: Staging, keyring: Keyring, as_of: datetime) -> sa.Select[Any]:
    table = home.table(name)
    keys = _day_keys(table, staging, keyring, as_of)
    pseudonym = keyring.pseudonym_browser if staging.family == "browser" else keyring.pseudonym_identity
    columns = [
        staged(table, column, keys, pseudonym.current()).label(named) for named, column in staging.columns.items()
    ]
    query = sa.select(tenant_of(table).label(TENANT), *columns).select_from(table.sql)
    return query.where(*_conditions(table, staging))


def _conditions(table: DeclaredTable, staging: Staging) -> Iterator[sa.ColumnElement[bool]]:
    """The row's own state, and the recorded consent that it must have."""
    yield in_state(table, staging.when)
    if staging.consent:
        choice = table.home.table(staging.consent.table).aliased()
        same = [table.column(here) == choice.column(there) for here, there in staging.consent.by.items()]
        yield sa.exists().where(*same, in_state(choice, staging.consent.when)).select_from(choice.sql)


def _day_keys(table: DeclaredTable, staging: Staging, keyring: Keyring, as_of: datetime) -> DayKeys:
    """Keys for the days that the table really has; none where nothing is staged per device and day."""
    at = next((column.of[0] for column in staging.columns.values() if column.way == "day"), None)
    if not any(column.way == "device_day" for column in staging.columns.values()):
        return DayKeys(keyring, at or "", date(1970, 1, 2), date(1970, 1, 1))
    if at is None:
        raise NoDay(f"'{table.name}' stages a device_day and no day; stage the day of its visits too")
    moment = Moment(table, at).value()
    query = sa.select(sa.func.min(moment), sa.func.max(moment)).select_from(table.sql)
    found = [_as_utc(value) for value in table.home.database.rows(query)[0] if value is not None]
    first, last = (min(found), max(found)) if found else (as_of, as_of)
    first = max(first, as_of - _LONGEST)
    return DayKeys(keyring, at, first.date(), min(max(last, first), as_of + timedelta(days=1)).date())


def _as_utc(value: datetime) -> datetime:
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _write_down(house: House, product: str, table: str, made: StagedTable, as_of: datetime, now: datetime) -> None:
    shards = {file.shard: StagedShard(rows=file.rows, sha256=file.sha256) for file in made.files}
    assert len(shards) <= SHARDS  # noqa: S101 - one file per shard
    house.control.ledger.append(
        Entry(product=product, table=table, columns=made.columns, shards=shards), as_of=as_of, now=now
    )
