"""Does the table descend from browsers or from people, never from both, and from nothing that is never analysed?

Looked for among assets and among columns: one proof alone would miss what the other sees.
"""

from __future__ import annotations

from genuka_pipelines.analytics.asked import Asked
from genuka_pipelines.catalog.answer import Answer
from genuka_pipelines.catalog.lineage import ancestors, unlinked


def ask(asked: Asked) -> Answer:
    """No where either proof finds a link; how many assets and columns were followed."""
    found = [one for one in unlinked(asked.house.catalog) if one.table == asked.name]
    counts = {
        "assets": len(ancestors(asked.house.catalog, asked.key)),
        "columns": len(asked.table.reads),
        **{f"links_by_{proof}": sum(one.proof == proof for one in found) for proof in ("graph", "columns")},
    }
    return Answer(passed=not found, counts=counts, notes=tuple(one.why for one in found))
