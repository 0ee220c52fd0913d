"""Is every table and column declared, and nothing more? Looks at names, never at a value."""

from __future__ import annotations

from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.undeclared import differences, undeclared_tables


def ask(asked: Asked) -> Answer:
    """No for a missing table, an undeclared column, or an undeclared table that is nearest to this category."""
    if asked.system.kind != "database":
        return Answer(passed=True, notes=("it holds objects, which have no columns",))
    homes = asked.homes()
    found = differences(homes, asked.category)
    nearest = undeclared_tables(homes, asked.system.besides)
    strangers = tuple(name for name, key in nearest.items() if key == asked.key)
    notes = (*found.missing, *found.undeclared, *(f"{name} is declared by no category" for name in strangers))
    counts = {
        "missing": len(found.missing),
        "undeclared_columns": len(found.undeclared),
        "undeclared_tables": len(strangers),
        "unknown": len(found.unknown),
    }
    return Answer(passed=not any(counts.values()), counts=counts, notes=(*notes, *found.unknown))
