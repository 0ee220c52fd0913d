"""The media objects that the rows of a database speak of: written after them, removed before them.

The keys are read back from the database, so whatever an earlier seeding left (another size, one
killed midway) is found again; keys computed from a recipe would miss it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import inspect, select

from genuka_pipelines.demo.seed import files
from genuka_pipelines.demo.seed.base import Base, refusals

_KEYS = (("platform_invoices", "pdf_key"), ("job_applications", "cv_key"), ("user_profiles", "photo_key"))


def keys_of(base: Base) -> Iterator[str]:
    """The key of every object of a database, in the order of the rows' own keys."""
    with refusals(base.database, "read"):
        present = inspect(base.connection).get_table_names()
        for name, column in _KEYS:
            if name in base.tables and name in present:
                table = base.tables[name]
                rows = select(table.c[column]).where(table.c[column].is_not(None)).order_by(table.c.id)
                yield from base.connection.scalars(rows)
        if "media" in base.tables and "media" in present:
            media = base.tables["media"]
            rows = select(media.c.id, media.c.file_name, media.c.generated_conversions).order_by(media.c.id)
            for number, file_name, conversions in base.connection.execute(rows):
                # An empty map is stored as `[]`: either way its members are the names.
                yield from files.keys(number, file_name, conversions or ())
        base.connection.commit()
