"""The one time zone of nights and schedules."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = "Europe/Paris"


def night_of(moment: datetime) -> date:
    """The local day of an aware moment: the night that is then, or was last."""
    return moment.astimezone(ZoneInfo(ZONE)).date()
