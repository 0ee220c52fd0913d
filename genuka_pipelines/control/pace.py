"""How fast rows may be destroyed now, changeable while a sweep runs.

A sweep that can only be killed is a sweep that somebody kills at the worst moment: at noon, with the
replicas behind, a person must be able to slow it or let it wait, and to let it go on.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, select
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.control.database import Database
from genuka_pipelines.control.errors import PaceWrong
from genuka_pipelines.control.tables import pace

_ID = 1


@dataclass(frozen=True, slots=True)
class Pace:
    """None where there is no bound of this kind. Raises PaceWrong for a bound that would let nothing pass."""

    paused: bool = False
    rows_per_second: int | None = None
    batch_rows: int | None = None
    max_lag_seconds: float | None = None

    def __post_init__(self) -> None:
        counts = (self.rows_per_second, self.batch_rows)
        whole = all(count is None or (type(count) is int and 1 <= count < 2**63) for count in counts)
        lag = self.max_lag_seconds
        if not (whole and (lag is None or (math.isfinite(lag) and lag > 0)) and isinstance(self.paused, bool)):
            raise PaceWrong(
                "rows per second and rows per batch are whole numbers from 1, the largest lag is seconds above 0: "
                "to stop the sweep, pause it"
            )


class Changes(TypedDict, total=False):
    """The parts of a pace that change; the others stay."""

    paused: bool
    rows_per_second: int | None
    batch_rows: int | None
    max_lag_seconds: float | None


class Paces:
    """The pace of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Pace:
        """The pace that holds now; without bounds where nobody ever set one."""
        with self._database.begin() as connection:
            return _read(connection)

    def set(self, **changes: Unpack[Changes]) -> Pace:
        """Changes what is named and nothing else, so that two who change it do not undo each other. PaceWrong."""
        whole = asdict(Pace(**changes))
        with self._database.begin() as connection:
            if changes:
                connection.execute(self._upsert({"id": _ID, **whole}, dict(changes)))
            return _read(connection)

    def _upsert(self, whole: dict[str, Any], changes: dict[str, Any]) -> Any:
        if self._database.mysql:
            return mysql.insert(pace).values(whole).on_duplicate_key_update(**changes)
        return postgresql.insert(pace).values(whole).on_conflict_do_update(index_elements=[pace.c.id], set_=changes)


def _read(connection: Connection) -> Pace:
    row = connection.execute(select(pace).where(pace.c.id == _ID)).first()
    return Pace() if row is None else Pace(**{part.name: row._mapping[part.name] for part in fields(Pace)})
