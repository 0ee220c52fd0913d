"""Where forbidden rows are put: one row at a time, each place written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select

from genuka_pipelines.demo.seed.base import Base
from genuka_pipelines.demo.seed.dice import Dice
from genuka_pipelines.demo.seed.folk import folk
from genuka_pipelines.demo.seed.values import DAY, GENUKA, Planted, Recipe


class Bed:
    """The open databases of a seeding, and what has been planted in them so far."""

    def __init__(self, bases: dict[str, Base], recipe: Recipe, counts: Counter[str]) -> None:
        self.bases = bases
        self.recipe = recipe
        self.planted: list[Planted] = []
        self._counts = counts
        self._dice = Dice(recipe.seed, "plant")
        self._people = 0

    @property
    def dedicated(self) -> list[str]:
        """The references of the dedicated databases."""
        return [name for name in self.bases if name.startswith("dedicated_")]

    def tenant_of(self, ref: str) -> str:
        """The company that has this dedicated database."""
        held = self.bases[GENUKA].tables["tenant_databases"]
        rows = select(held.c.company_id).where(held.c.dsn_secret_ref == ref)
        return str(self.bases[GENUKA].connection.scalar(rows))

    def ago(self, days: float) -> datetime:
        """The moment this many days before `as_of`, as the databases keep it."""
        moment = datetime.fromtimestamp(self.recipe.now, UTC) - timedelta(days=days)
        return moment.replace(tzinfo=None, microsecond=0)

    def ulid(self, days: float) -> str:
        """A ULID made that many days before `as_of`."""
        return str(self._dice.ulids(np.array([self.recipe.now - int(days * DAY)]))[0])

    def person(self) -> dict[str, str]:
        """Somebody new: first_name, last_name, email, phone."""
        self._people += 1
        someone = folk(self._dice, np.zeros(1, dtype=np.int64), 9_000_000 + self._people)
        return {
            "first_name": str(someone.first[0]),
            "last_name": str(someone.last[0]),
            "email": str(someone.email[0]),
            "phone": str(someone.phone[0]),
        }

    def add(self, database: str, table: str, values: Mapping[str, Any], *, age: float = 1.0) -> str:
        """Insert a row made `age` days ago and return its key; nothing about it is forbidden yet."""
        base = self.bases[database]
        held = base.tables[table]
        row: dict[str, Any] = {name: self.ago(age) for name in ("created_at", "updated_at") if name in held.c}
        if "id" in held.c and held.autoincrement_column is None:
            row["id"] = self.ulid(age)
        made = base.connection.execute(held.insert().values(row | dict(values)))
        self.counted(table)
        return str((made.inserted_primary_key or ("",))[0])

    def plant(
        self,
        kind: str,
        place: tuple[str, str, str],
        values: Mapping[str, Any],
        *,
        age: float = 1.0,
    ) -> str:
        """Insert a row that is forbidden for its (database, table, column), and return its key."""
        database, table, column = place
        key = self.add(database, table, values, age=age)
        self.note(kind, database, table, key, column)
        return key

    def note(self, kind: str, database: str, table: str, key: str, column: str) -> None:
        """Write a place down."""
        self.planted.append(Planted(database, table, key, column, kind))

    def counted(self, table: str) -> None:
        """Count a row that was inserted by hand."""
        self._counts[table] += 1

    def commit(self) -> None:
        """Make all of it durable."""
        for base in self.bases.values():
            base.connection.commit()
