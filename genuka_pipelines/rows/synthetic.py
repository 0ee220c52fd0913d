"""Whether a database is a synthetic one, which time travel may empty.

A sweep for a day to come would destroy what is still promised; only data that nobody gave may go so.
"""

from __future__ import annotations

from genuka_pipelines.systems.database import Database

MARKER = "genuka_demo"
"""The table that a seeding leaves in each database it has filled, and in no other."""


def is_synthetic(database: Database) -> bool:
    """Whether the database was filled by a seeding."""
    return MARKER in database.tables()
