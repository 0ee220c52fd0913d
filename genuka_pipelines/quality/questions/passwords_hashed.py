"""Is no password readable? Judged by the form of the value alone."""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.hunting import hunt

PASSWORD = "user.authorization.password"  # noqa: S105 - a classification


def ask(asked: Asked) -> Answer:
    """No where a column declared to hold a hashed password holds something else."""
    columns = {
        table: [c for c, held in declared.columns.items() if held.holds == PASSWORD and held.protected == "hash"]
        for table, declared in asked.category.tables.items()
    }
    return hunt(asked, "passwords", columns={t: named for t, named in columns.items() if named})
