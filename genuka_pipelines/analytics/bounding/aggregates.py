"""Bounds, proves and adds up: the figures that only noise may touch.

They are exact, so whoever sees them sees people: they have no repr, are never stored or logged, and
live only between this function and the noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from genuka_pipelines.analytics.bounding.engine import Engine
from genuka_pipelines.analytics.bounding.query import Query
from genuka_pipelines.analytics.bounding.template import Statements, proven_caps, statements
from genuka_pipelines.analytics.errors import NotWhole, UnitOutweighs, UnknownStagedColumn
from genuka_pipelines.analytics.releases.release import Certificate

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Aggregates:
    """Exact sums of cells. SECRET.

    `labels` has a list for each dimension, all as long as each array of `figures` (int64): `units`, and
    by measure `m0`, `u0`, `m0_0` … as `template` names them.
    """

    labels: tuple[list[str], ...] = field(repr=False)
    figures: Mapping[str, npt.NDArray[np.int64]] = field(repr=False)
    certificate: Certificate

    @property
    def cells(self) -> int:
        """How many cells: public where the keys are, else secret."""
        return len(self.figures["units"])


def aggregates(engine: Engine, query: Query, *, name: str, made: Statements | None = None) -> Aggregates:
    """The bounded aggregates of a query, with the proof that they are bounded.

    Every public cell is there, with zeros where nobody is. Raises UnknownStagedColumn, NotWhole,
    UnitOutweighs and BoundaryBroken; none of them says what was found. `made` is for tests that break it.
    """
    _fits(engine, query, name)
    made = made or statements(query)
    engine.keep(made.bounded)
    certificate = _proven(engine.ask(made.proof).to_pylist()[0], query, name)
    found = engine.ask(made.cells)
    return (_found if query.private else _dense)(query, found, certificate)


def _figures(query: Query, found: pa.Table) -> dict[str, npt.NDArray[np.int64]]:
    return {column: _whole(found[column]) for column in found.column_names[len(query.keys) :]}


def _found(query: Query, found: pa.Table, proof: Certificate) -> Aggregates:
    """The cells that are there, in the order of their labels."""
    import pyarrow as pa

    named = [f"k{n}" for n in range(len(query.keys))]
    for n, keys in enumerate(query.keys):
        if keys is not None:
            labels = pa.array(keys, pa.string()).take(pa.array(_places(found[f"k{n}"], keys)))
            found = found.set_column(n, f"k{n}", labels)
    found = found.sort_by([(name, "ascending") for name in named])
    return Aggregates(tuple(found[name].to_pylist() for name in named), _figures(query, found), proof)


def _places(column: pa.ChunkedArray, keys: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """The places of public keys. Raises UnitOutweighs where one is none."""
    places = _whole(column)
    if column.null_count or (len(places) and not 0 <= places.min() <= places.max() < len(keys)):
        raise UnitOutweighs("the engine gave cells beside the public keys; nothing was released")
    return places


def _dense(query: Query, found: pa.Table, proof: Certificate) -> Aggregates:
    """The whole grid of public keys, so that which cells there are says nothing."""
    import numpy as np

    figures, grid = _figures(query, found), [keys or () for keys in query.keys]
    place = np.zeros(found.num_rows, dtype=np.int64)
    for n, keys in enumerate(grid):
        place = place * len(keys) + _places(found[f"k{n}"], keys)
    if len(np.unique(place)) < len(place):
        raise UnitOutweighs("the engine gave a cell twice; nothing was released")
    dense = {}
    for column, values in figures.items():
        dense[column] = np.zeros(query.cells, dtype=np.int64)
        dense[column][place] = values
    every = list(product(*grid))
    return Aggregates(tuple([cell[n] for cell in every] for n in range(len(grid))), dense, proof)


def _proven(row: Mapping[str, Any], query: Query, name: str) -> Certificate:
    """The certificate of a run. Raises UnitOutweighs when a bound does not hold, and says which."""
    caps = proven_caps(list(query.table.measures.values()))
    units = row["everyone"] or 0
    held = {"cells of a unit": (row["held"], query.groups), "rows of a unit in a cell": (row["times"], 1)}
    held |= {f"what a unit gives to {n}": (row[n], most) for n, most in caps.items()}
    broken = [what for what, (most, bound) in held.items() if (most or 0) > bound]
    if units != (row["units"] or 0):
        broken.append("rows without a unit")
    if any(most * units > _LARGEST for most in caps.values()):
        broken.append("sums that may pass 2^63")
    if broken:
        raise UnitOutweighs(f"{name}: {', '.join(broken)} beyond what is declared; nothing was released")
    amounts = {each: caps.get(f"a{n}", 1) for n, each in enumerate(query.table.measures)}
    return Certificate(groups=query.groups, amounts=amounts, proven=True)


def _whole(column: Any) -> npt.NDArray[np.int64]:
    import numpy as np
    import pyarrow as pa

    try:
        if not pa.types.is_floating(column.type):
            filled = column.fill_null(0) if column.null_count else column
            return np.asarray(filled.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
    except pa.ArrowInvalid:
        # Its text would hold the figure.
        pass
    raise NotWhole("the engine gave other than 64-bit whole numbers; nothing was released")


def _fits(engine: Engine, query: Query, name: str) -> None:
    table, there = query.table, engine.columns()
    wanted: dict[str, tuple[str, ...]] = {table.unit: ("text", "whole"), table.period.of: ("date",)}
    for column in table.when:
        wanted.setdefault(column, ("text", "whole", "date", "boolean"))
    for key, dimension in table.dimensions.items():
        wanted.setdefault(
            dimension.of or key, ("whole",) if dimension.edges is not None else ("text", "whole", "date", "boolean")
        )
    for measure in table.measures.values():
        if measure.of:
            wanted[measure.of] = ("whole",)
    for column, kinds in wanted.items():
        if column not in there:
            raise UnknownStagedColumn(
                f"{name} reads the column '{column}', which {table.table} does not stage; "
                f"there are {', '.join(sorted(there))}"
            )
        if there[column] not in kinds:
            raise NotWhole(
                f"{name} needs '{column}' of {table.table} as {' or '.join(kinds)}, and it is staged otherwise; "
                "stage amounts in minor units, and moments as days"
            )
