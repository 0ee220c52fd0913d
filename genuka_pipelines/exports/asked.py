"""A question as it is put to the archives: what every module in `questions` is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.control import Delivery
    from genuka_pipelines.exports.house import Exporting

KIND = "tenant_archive"
"""Of a delivery."""


@dataclass(frozen=True)
class Asked:
    """A question about the archives that may be fetched `now` (aware UTC)."""

    house: Exporting
    now: datetime

    @property
    def archives(self) -> tuple[Delivery, ...]:
        """What was delivered to tenants and may still be fetched."""
        return self.house.control.deliveries.open(self.now, KIND)
