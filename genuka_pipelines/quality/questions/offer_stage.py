"""Are the fields kept for the offer empty before it is made?"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.quality.answer import Answer, none_found
from genuka_pipelines.quality.scope import readable
from genuka_pipelines.quality.surroundings import Surroundings


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:
    """No where a column of the offer stage has a value while the column of the offer has none.

    The question's `event` names that column; a table without it belongs to people already hired.
    """
    question = house.catalog.questions[name]
    counts: dict[str, int | None] = {}
    for table, declared in house.catalog.categories[key].tables.items():
        later = [column for column, held in declared.columns.items() if held.stage == "from_offer"]
        if not later or question.event not in declared.columns:
            continue
        try:
            for database, within in readable(house, key, table, as_of, question.processor_data):
                found = database.table(table)
                early = found.c[question.event].is_(None)
                asked = [sa.func.count(sa.case((early, found.c[column]))).label(column) for column in later]
                query = sa.select(*asked).select_from(found)
                (row,) = database.rows(query.where(within) if within is not None else query)
                for column in later:
                    counts[f"{table}.{column}"] = (counts.get(f"{table}.{column}") or 0) + row._mapping[column]
        except GenukaError:
            counts[table] = None
    return none_found(counts)
