"""What the engine cannot do with a declaration, each named for the harm."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError


class UnfitColumn(GenukaError):
    """A column is of another type than its declared use needs, so what it means is unknown."""

    def __init__(self, table: str, column: str, found: str, needed: str) -> None:
        super().__init__(
            f"column '{column}' of '{table}' holds {found}, and its declared use needs {needed}; "
            "correct the declaration or the column"
        )


class NoWayBetween(GenukaError):
    """A rule of one table reads a column of another, and nothing links their rows."""

    def __init__(self, table: str, other: str) -> None:
        super().__init__(
            f"a rule of '{table}' reads '{other}', and no column, tenant path or shared tenant links them; "
            "give one of them a tenant path or write the rule on the other"
        )


class NotATenantOfOurs(GenukaError):
    """The register of tenants says something that cannot be true."""
