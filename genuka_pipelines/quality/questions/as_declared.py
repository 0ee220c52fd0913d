"""Is every table and column declared, and nothing more? Looks at names, never at a value."""

from __future__ import annotations

from datetime import datetime

from genuka_pipelines.quality.answer import Answer
from genuka_pipelines.quality.surroundings import Surroundings
from genuka_pipelines.quality.undeclared import differences, undeclared_tables


def ask(house: Surroundings, key: str, as_of: datetime, name: str) -> Answer:  # noqa: ARG001
    """No for a missing table, an undeclared column, or an undeclared table that is nearest to this category."""
    system = house.catalog.categories[key].system
    if house.catalog.systems[system].kind != "database":
        return Answer(passed=True, notes=("it holds objects, which have no columns",))
    found = differences(house, key, as_of)
    strangers = tuple(name for name, nearest in undeclared_tables(house, system, as_of).items() if nearest == key)
    notes = (*found.missing, *found.undeclared, *(f"{name} is declared by no category" for name in strangers))
    counts = {
        "missing": len(found.missing),
        "undeclared_columns": len(found.undeclared),
        "undeclared_tables": len(strangers),
        "unknown": len(found.unknown),
    }
    return Answer(passed=not any(counts.values()), counts=counts, notes=(*notes, *found.unknown))
