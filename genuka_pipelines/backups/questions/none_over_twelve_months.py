"""Is everything of a backup gone that is older than twelve months, versions and markers included?"""

from __future__ import annotations

from genuka_pipelines.backups.asked import Asked
from genuka_pipelines.backups.regions.overdue import overdue
from genuka_pipelines.catalog.answer import Answer, none_found


def ask(asked: Asked) -> Answer:
    """No where anything is left."""
    found = overdue(asked.region, asked.now)
    return none_found({"objects": found.objects if found else 0, "bytes": found.bytes if found else 0})
