"""What can go wrong while tables are published; what analysts read is then still there, as it was."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class CannotPublish(GenukaError):
    """A table is declared in a way that no catalogue can hold, or a correction names nothing that is there."""


class CatalogueUnreadable(PromiseBroken):
    """What analysts open is missing, damaged, or tells other figures than the releases."""


class WarehouseRefused(GenukaError):
    """The copy for BI tools could not be made; the one of before is still there."""
