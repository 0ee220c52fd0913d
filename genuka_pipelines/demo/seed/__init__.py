"""A synthetic Genuka and Genletter, the same every time from the same recipe.

Whoever tries the house needs data in which every promise could be broken and none is, and, with
`plant`, data in which every promise is broken in a known place; real data may be neither.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.demo.seed.values import Identities, Planted, Recipe, Seeded, Target, dedicated_refs

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from genuka_pipelines.demo.seed.marker import Marker

__all__ = [
    "Identities",
    "Planted",
    "Seeded",
    "Target",
    "dedicated_refs",
    "forget",
    "marker_of",
    "seed",
    "seeded_identities",
]


def seed(
    target: Target,
    *,
    companies: int,
    days: int,
    seed: int,
    as_of: datetime,
    plant: bool = False,
    progress: Callable[[str], object] | None = None,
) -> Seeded:
    """Fill the target's databases and media store, in place of what an earlier seeding left there.

    The rows depend on (companies, days, seed, as_of, plant) alone. `progress` is told a short text
    now and then. Raises `BadRecipe`, `ForeignDatabase`, `SharedDatabase`, `SeedingUnderWay`,
    `DatabaseRefused` or `LoadIncomplete`, one sentence each; nothing is touched unless every database
    is empty or bears our marker.
    """
    recipe = Recipe(companies, days, seed, as_of, plant)
    from genuka_pipelines.demo.seed.run import run

    return run(target, recipe, progress)


def forget(target: Target) -> None:
    """Remove every table and media object of a seeding; a database without our marker is refused."""
    from genuka_pipelines.demo.seed.run import forget as run_forget

    run_forget(target)


def seeded_identities(target: Target, limit: int) -> Identities:
    """Names, e-mails and phones of up to `limit` rows of every table that holds people."""
    from genuka_pipelines.demo.seed.identities import identities

    return identities(target, limit)


def marker_of(engine: Engine) -> Marker | None:
    """What a database's `genuka_demo` marker says, or None where there is none."""
    from sqlalchemy import inspect

    from genuka_pipelines.demo.seed import marker
    from genuka_pipelines.demo.seed.base import refusals

    with refusals(str(engine.url.database), "read"), engine.connect() as connection:
        marked = inspect(connection).has_table(marker.MARKER.name)
        return marker.read(connection) if marked else None
