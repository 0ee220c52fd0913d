"""Which rows of a table a question may read: all, those of tenants that agreed, or none.

Genuka is only a processor of its tenants' content; a check that read it all the same would itself
break the promise it checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

if TYPE_CHECKING:
    from genuka_pipelines.quality.surroundings import Surroundings
    from genuka_pipelines.systems.database import Database

ProcessorData = Literal["never", "opted_in", "counts_only"]


def readable(
    house: Surroundings, key: str, table: str, as_of: datetime, processor_data: ProcessorData
) -> Iterator[tuple[Database, sa.ColumnElement[bool] | None]]:
    """Each database that holds rows of the table, and the predicate within which they may be read.

    Raises the database's own error where one cannot be reached: unknown is not zero.
    """
    category = house.catalog.categories[key]
    databases = house.databases(category.system)
    everything = category.role != "processor" or processor_data == "counts_only"
    if not everything and (processor_data == "never" or category.opt_in is None):
        return
    yield from databases.readable(
        house.catalog, category.system, table, opted_in=None if everything else category.opt_in, as_of=as_of
    )
