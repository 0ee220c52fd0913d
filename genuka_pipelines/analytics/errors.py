"""What can go wrong while analyses are staged, bounded and released; what was there before is then still there."""

from __future__ import annotations

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken


class CannotStage(GenukaError):
    """A staged table cannot be made as declared, or its folder cannot be written."""


class NoSuchPeriod(GenukaError):
    """A period's name is none that releases bear."""

    @classmethod
    def named(cls, period: str) -> NoSuchPeriod:
        """The sentence, with the name as it was given."""
        return cls(
            f"{period[:40]!r} is no period; write a day as 2026-10-31, a week as 2026-W44, a month as 2026-10 "
            "or a quarter as 2026-Q4"
        )


class ReleaseDamaged(PromiseBroken):
    """A stored release is not one: it cannot be read, or is not what its name says."""


class TooManyCells(GenukaError):
    """Public keys make more cells than a release can hold, nearly all of them noise."""


class NothingStaged(GenukaError):
    """A table has no staged rows to be made of, or they are older than the period's end."""


class NotYetComplete(GenukaError):
    """A period is not over: what is released now could never be completed."""


class UnknownStagedColumn(GenukaError):
    """A published table reads a column that is not staged."""


class NotWhole(GenukaError):
    """Something other than whole numbers was to be added up: a float's sum tells of single rows."""


class UnitOutweighs(PromiseBroken):
    """A unit counted for more than the noise hides: nothing was released."""


class BoundaryBroken(GenukaError):
    """The engine could not compute a release; its own words may hold values, so they are not told."""


class OverBudget(GenukaError):
    """A release would cost a class of units more than a year allows."""


class BudgetTooSmall(GenukaError):
    """A table's budget cannot buy what its measures need."""


class UnknownTable(GenukaError):
    """No table for analysts, or class of units, has this name."""


class UnknownEngine(GenukaError):
    """What is to bound and add up is not an engine of this house, or is not installed."""
