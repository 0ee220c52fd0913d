"""Unix seconds as what databases and documents keep: moments, days, and PHP's spelling.

Every column of time comes through here, so none can differ in zone or precision from another.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from genuka_pipelines.demo.seed.arrays import Array, Bools, Ints, only


def moments(seconds: Ints, where: Bools | None = None) -> Array:
    """Unix seconds as UTC moments of second precision, null where the condition fails."""
    made = pa.array(seconds).cast(pa.timestamp("s"))
    return made if where is None else only(made, where)


def stamps(made: Ints, changed: Ints | None = None) -> dict[str, Array]:
    """The two columns that nearly every table ends with; a row that never changed was changed when it was made."""
    return {"created_at": moments(made), "updated_at": moments(made if changed is None else changed)}


def spelled(seconds: Ints) -> Array:
    """Moments as PHP writes them inside a document, `2026-01-31T08:15:00`."""
    return pc.replace_substring(pc.cast(moments(seconds), pa.string()), " ", "T")


def dates(seconds: Ints) -> Array:
    """The UTC days of these Unix seconds."""
    return pc.cast(pa.array(seconds // 86_400, pa.int32()).cast(pa.date32()), pa.string())
