"""Which rows of a category a question may read: all, those of tenants that agreed, or none.

Genuka is only a processor of its tenants' content; a check that read it all the same would itself
break the promise it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError

if TYPE_CHECKING:
    from genuka_pipelines.quality.asked import Asked
    from genuka_pipelines.rows.declared import DeclaredTable
    from genuka_pipelines.rows.path import Predicate


def read_each(
    asked: Asked, tables: Collection[str], read: Callable[[DeclaredTable, Predicate | None], None]
) -> dict[str, None]:
    """`read` each of the tables in every database, with the predicate within which the question may read it.

    Returns the tables that could not be read, or not everywhere, as counts: unknown is not zero.
    """
    category, extent = asked.category, asked.question.processor_data
    everything = category.role != "processor" or extent == "counts_only"
    if not everything and (extent == "never" or category.opt_in is None):
        return {}
    if not tables:
        return {}
    try:
        homes = asked.homes()
    except GenukaError:
        return dict.fromkeys(tables)
    unknown: dict[str, None] = {}
    for name in tables:
        try:
            for table, within in homes.within(name, opted_in=None if everything else category.opt_in):
                read(table, within)
        except GenukaError:
            unknown[name] = None
    return unknown
