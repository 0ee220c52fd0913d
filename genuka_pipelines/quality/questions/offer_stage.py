"""Are the fields kept for the offer empty before it is made?"""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa

from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.scope import read_each
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.path import Predicate


def ask(asked: Asked) -> Answer:
    """No where a column of the offer stage has a value while the column of the offer has none.

    The question's `event` names that column; a table without it belongs to people already hired.
    """
    event = asked.question.event
    if event is None:
        return Answer(passed=False, notes=("the question names no event, so what is early is unknown",))
    counts: Counter[str] = Counter()

    def count(table: DeclaredTable, within: Predicate | None) -> None:
        early = table.column(event).is_(None)
        later = {column: sa.func.count(sa.case((early, table.column(column)))) for column in _later(table.table)}
        query = sa.select(*later.values()).select_from(table.sql)
        (row,) = table.home.database.rows(query if within is None else query.where(within))
        counts.update({f"{table.name}.{column}": found for column, found in zip(later, row, strict=True)})

    tables = [name for name, table in asked.category.tables.items() if event in table.columns and _later(table)]
    unknown = read_each(asked, tables, count)
    return none_found({**counts, **unknown})


def _later(table: Table) -> list[str]:
    return [column for column, held in table.columns.items() if held.stage == "from_offer"]
