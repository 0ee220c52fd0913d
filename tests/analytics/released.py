"""A house with staged rows, keys, a store and a control database, in which releases can be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from genuka_pipelines.catalog.published import AnonymisedTable, Privacy
from genuka_pipelines.control import Control, Staging
from genuka_pipelines.keys import Keyring, open_keyring
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.store import Store
from tests.analytics.bounded import PRIVACY, facts, staged

COMPANIES = [{"unit": f"c{n}", "country": "CM" if n % 3 else "FR"} for n in range(60)]


@dataclass(frozen=True)
class Released:
    """See analytics/releases/once.py, Surroundings."""

    catalog: Any
    control: Control
    keyring: Keyring
    staging: Path
    published: Store = field(repr=False)

    def store(self, system: str) -> Store:
        assert system == "published_store"
        return self.published

    def declare(self, privacy: Privacy = PRIVACY, **tables: AnonymisedTable) -> Released:
        """The same house with these tables."""
        return replace(self, catalog=SimpleNamespace(categories={}, published=tables, privacy=privacy))

    def stage(self, rows: pa.Table, *, as_of: datetime, table: str = "orders") -> None:
        """Put rows where staging would, in two shards, and say so in the ledger."""
        folder = self.staging / "shop" / table
        folder.mkdir(parents=True, exist_ok=True)
        half = rows.num_rows // 2
        pq.write_table(rows.slice(0, half), folder / "00.parquet")
        pq.write_table(rows.slice(half), folder / "07.parquet")
        entry = Staging(product="shop", table=table, columns=tuple(rows.column_names), shards={})
        self.control.ledger.append(entry, as_of=as_of, now=datetime.now(UTC))


@contextmanager
def released_house(folder: Path, control: Control, keyring: Keyring | None = None) -> Iterator[Released]:
    """A house under `folder`, with sixty companies staged for October 2026."""
    store = open_store(f"file://{folder / 'published'}", name="published", create=True)
    keys = keyring or open_keyring(folder / "keys", create=True)
    house = Released(None, control, keys, folder / "staging", store).declare(orders_monthly=facts())
    house.stage(staged(COMPANIES), as_of=datetime(2026, 11, 10, tzinfo=UTC))
    yield house
