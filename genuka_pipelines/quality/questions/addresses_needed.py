"""Does every postal address serve an invoice or a delivery? Counts those that nothing needs."""

from __future__ import annotations

import sqlalchemy as sa

from genuka_pipelines.catalog.answer import Answer, none_found
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.question import Need
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.rows.state import has_value, in_state


def ask(asked: Asked) -> Answer:
    """No where a column of the question's `needs` has a value that no row of the serving table needs."""
    home = asked.house.databases(asked.category.system).home(asked.house.catalog)
    return none_found({f"{need.table}.{need.column}": _unneeded(home, need) for need in asked.question.needs})


def _unneeded(home: Home, need: Need) -> int | None:
    try:
        table = home.table(need.table)
        query = sa.select(sa.func.count()).select_from(table.sql)
        query = query.where(has_value(table, need.column), in_state(table, need.when))
        if need.served_by:
            serving = home.table(need.served_by.table).aliased()
            same = [table.column(here) == serving.column(there) for here, there in need.served_by.by.items()]
            query = query.where(~sa.exists().where(*same).select_from(serving.sql))
        return int(home.database.scalar(query))
    except GenukaError:
        return None
