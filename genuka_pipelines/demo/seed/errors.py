"""What can go wrong while the reference Genuka is filled, each in one sentence.

A driver's own text may hold a row's values or a password, so none of it is passed on; without
these sentences the terminal would have only that text to show.
"""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class BadRecipe(GenukaError):
    """The size, the seed or the moment asked for makes no sense."""


class ForeignDatabase(GenukaError):
    """The database holds tables and not our marker: filling it could destroy someone's data."""


class SharedDatabase(GenukaError):
    """Two of the databases are one and the same, so one's tables would replace the other's."""


class SeedingUnderWay(GenukaError):
    """Another process is filling this database."""


class DatabaseRefused(GenukaError):
    """The database could not be opened, or refused a statement that filling it needs."""


class LoadIncomplete(GenukaError):
    """The database holds fewer or other rows than were sent to it."""
