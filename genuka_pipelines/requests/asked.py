"""A question as it is put to the register of requests: what every module in `questions` is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.rows.house import House


@dataclass(frozen=True)
class Asked:
    """A question about requests as of a moment, asked `now` (aware UTC)."""

    house: House
    as_of: datetime
    now: datetime
