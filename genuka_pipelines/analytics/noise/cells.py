"""Turns exact aggregates into the cells of a release: the one door out of the boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from genuka_pipelines.analytics.bounding.aggregates import Aggregates
from genuka_pipelines.analytics.bounding.query import Query
from genuka_pipelines.analytics.noise.intervals import quantile, quotient
from genuka_pipelines.analytics.noise.mechanism import noisy, selected
from genuka_pipelines.analytics.noise.plan import Plan
from genuka_pipelines.analytics.releases.release import MEASURE_COLUMNS, Mechanism, quantile_name
from genuka_pipelines.catalog.published import Measure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Numbers = npt.NDArray[np.float64]


class _Told(NamedTuple):
    name: str
    value: Numbers
    low: Numbers
    high: Numbers
    scale: float


def released(exact: Aggregates, query: Query, plan: Plan) -> pa.Table:
    """The noisy cells, as `Release.cells` is described. Draws noise: call it once for a release."""
    labels, drawn = _drawn(exact, plan)
    count = len(drawn[plan.parts[0].figures[0]])
    judged = sum((drawn[figure] for figure in plan.judge), start=drawn[plan.parts[0].figures[0]] * 0)
    shown = judged >= query.table.minimum
    told = [
        each
        for n, (name, measure) in enumerate(query.table.measures.items())
        for each in _told(n, name, measure, drawn, plan)
    ]
    return _table(list(query.table.dimensions), labels, told, shown, count, private=query.private)


def _drawn(exact: Aggregates, plan: Plan) -> tuple[list[list[str]], dict[str, npt.NDArray[np.int64]]]:
    import numpy as np

    places = None
    if plan.selection is not None and plan.selection.threshold is not None:
        places = selected(plan.kind, plan.selection.scale, plan.selection.threshold, exact.figures["units"])
    labels = [label if places is None else [label[place] for place in places] for label in exact.labels]
    drawn: dict[str, npt.NDArray[np.int64]] = {}
    for part in plan.parts:
        scale = plan.mechanisms[part.figures[0]].scale
        exactly = [exact.figures[figure] for figure in part.figures]
        values = np.concatenate([each if places is None else each[places] for each in exactly])
        drawn |= dict(zip(part.figures, np.split(noisy(plan.kind, scale, values), len(exactly)), strict=True))
    return labels, drawn


def _told(
    n: int, name: str, measure: Measure, drawn: Mapping[str, npt.NDArray[np.int64]], plan: Plan
) -> Iterator[_Told]:
    import numpy as np

    if measure.kind == "quantiles":
        figures = [f"m{n}_{bucket}" for bucket in range(len(measure.edges) - 1)]
        counts = np.stack([drawn[figure] for figure in figures], axis=1).astype(np.float64)
        scale = plan.mechanisms[figures[0]].scale
        for share in measure.at:
            made = quantile(plan.kind, counts, scale, measure.edges, share)
            yield _Told(quantile_name(name, share), *made, scale)
        return
    if measure.kind == "mean" and measure.between:
        sums, units = plan.mechanisms[f"m{n}"], plan.mechanisms[f"u{n}"]
        both = drawn[f"m{n}"].astype(np.float64), drawn[f"u{n}"].astype(np.float64)
        yield _Told(name, *quotient(plan.kind, *both, (sums.scale, units.scale), measure.between), sums.scale)
        yield _plain(f"{name}_sum", drawn[f"m{n}"], sums)
        yield _plain(f"{name}_units", drawn[f"u{n}"], units)
        return
    yield _plain(name, drawn[f"m{n}"], plan.mechanisms[f"m{n}"])


def _plain(name: str, drawn: npt.NDArray[np.int64], mechanism: Mechanism) -> _Told:
    import numpy as np

    value = drawn.astype(np.float64)
    return _Told(name, value, value - mechanism.error, value + mechanism.error, mechanism.scale)


def _table(
    names: list[str],
    labels: list[list[str]],
    told: list[_Told],
    shown: npt.NDArray[np.bool_],
    count: int,
    *,
    private: bool,
) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    several = len(told)
    hidden = ~np.repeat(shown, several)
    cell = pa.array(np.repeat(np.arange(count), several))

    def figures(each: list[Numbers]) -> pa.Array:
        return pa.array(np.stack(each, axis=1).reshape(-1), pa.float64(), mask=hidden)

    columns = {name: pa.array(label, pa.string()).take(cell) for name, label in zip(names, labels, strict=True)}
    made = (
        pa.array([each.name for each in told], pa.string()).take(pa.array(np.tile(np.arange(several), count))),
        figures([each.value for each in told]),
        figures([each.low for each in told]),
        figures([each.high for each in told]),
        pa.array(np.tile(np.array([each.scale for each in told]), count), pa.float64()),
        pa.array(np.where(hidden, "suppressed" if private else "below_threshold", "released"), pa.string()),
    )
    return pa.table({**columns, **dict(zip(MEASURE_COLUMNS, made, strict=True))})
