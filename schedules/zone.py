"""The one time zone of every schedule; nothing runs between 02:00 and 03:00, which daylight saving moves."""

from genuka_pipelines.catalog.zone import ZONE

__all__ = ["ZONE"]
