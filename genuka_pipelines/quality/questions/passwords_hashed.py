"""Is no password readable? Judged by the form of the value alone."""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.quality.answer import Answer
from genuka_pipelines.quality.hunting import hunt
from genuka_pipelines.quality.surroundings import Surroundings

PASSWORD = "user.authorization.password"  # noqa: S105 - a classification


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:
    """No where a column declared to hold a hashed password holds something else."""
    columns = {
        table: [c for c, held in declared.columns.items() if held.holds == PASSWORD and held.protected == "hash"]
        for table, declared in house.catalog.categories[key].tables.items()
    }
    return hunt(house, key, as_of, name, "passwords", columns={t: named for t, named in columns.items() if named})
