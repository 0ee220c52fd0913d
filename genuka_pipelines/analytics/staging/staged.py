"""Stages one table of the opened house for analyses, and writes that down in the ledger."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genuka_pipelines.analytics.staging.pseudonyms import Family, Pads
from genuka_pipelines.analytics.staging.result import StagedFile, StagedTable
from genuka_pipelines.analytics.staging.stage import stage
from genuka_pipelines.catalog.shard import NO_TENANT, shard_name
from genuka_pipelines.rows.house import House

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring

__all__ = ["KeyringKeys", "StagedFile", "StagedTable", "close_days", "stage_table"]


_LEASE = timedelta(minutes=2)


class Surroundings(House, Protocol):
    """The opened house, as far as staging looks."""

    @property
    def staging(self) -> Path:
        """The folder of staged tables."""


class KeyringKeys:
    """The house's keys as staging asks for them."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def pads(self, family: Family, day: date | None) -> Pads | None:
        """See PseudonymKeys."""
        from genuka_pipelines.keys import KeyDestroyed

        rings = {"identity": self._keyring.pseudonym_identity, "browser": self._keyring.pseudonym_browser}
        try:
            key = self._keyring.device_day(day) if day else rings[family].current()
        except KeyDestroyed:
            return None
        return key.id, *key.pads()


def stage_table(house: Surroundings, category: str, table: str, *, as_of: datetime, now: datetime) -> StagedTable:
    """Stage a table of a category in all its shards; the ledger then says rows and hashes by shard.

    Days that devices can no longer be told on, by the privacy facts, are closed before: their keys are
    destroyed. Raises Busy while another process stages the same table, and what `stage` raises.
    """
    from genuka_pipelines.control import StagedShard, Staging

    databases = house.databases(house.catalog.categories[category].system)
    keys = KeyringKeys(house.keyring)
    product = category.split("/")[0]
    close_days(house, now)
    with house.control.leases.hold(f"staging_{product}_{table}", shard_name(NO_TENANT), uuid.uuid4().hex, _LEASE):
        staged = stage(house.catalog, category, table, databases, house.staging, keys=keys, as_of=as_of)
        shards = {file.shard: StagedShard(rows=file.rows, sha256=file.sha256) for file in staged.files}
        entry = Staging(product=product, table=table, columns=staged.columns, shards=shards)
        house.control.ledger.append(entry, as_of=as_of, now=now)
    return staged


def close_days(house: House, now: datetime) -> None:
    """Destroy the keys of the days that no class of units keeps any longer; nothing where none says how long."""
    privacy = house.catalog.privacy
    keyed = [unit.keyed for unit in privacy.units.values() if unit.keyed is not None] if privacy else []
    if keyed:
        before = now.astimezone(UTC).date() - timedelta(days=max(keyed))
        house.keyring.destroy_device_days(before, now=now)
