"""What the dictionary and the UI show of a table: its largest cells of the last period, and one of them over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from genuka_pipelines.analytics.publishing.charts import Point, bars, over_time
from genuka_pipelines.analytics.publishing.duck import quoted
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.figures import Figure, figures
from genuka_pipelines.catalog.value import Language

_CELLS = 12
_PERIODS = 36
_SAID: dict[str, dict[Language, str]] = {
    "bars": {
        "fr": "{figure}, {period} : les {count} plus grandes cellules, avec l'intervalle à 95 %",
        "en": "{figure}, {period}: the {count} largest cells, with the 95 % interval",
    },
    "all": {"fr": "{figure}, {period}, avec l'intervalle à 95 %", "en": "{figure}, {period}, with the 95 % interval"},
    "time": {
        "fr": "{figure} de {first} à {last}{cell}, avec l'intervalle à 95 %",
        "en": "{figure} from {first} to {last}{cell}, with the 95 % interval",
    },
    "point": {"fr": "{label} : {value:g} ({low:g} à {high:g})", "en": "{label}: {value:g} ({low:g} to {high:g})"},
}


@dataclass(frozen=True)
class Picture:
    """A chart and the very figures that it draws, for those who do not see it."""

    title: str
    svg: str
    points: tuple[Point, ...]


def pictures(file: Path, entry: Entry, language: Language) -> tuple[Picture, ...]:
    """At most two charts of a table's first figure, from the catalogue in `file`; none where nothing is told."""
    import duckdb

    last = entry.last
    if last is None:
        return ()
    shown = next(iter(figures(entry.table).values()))
    dimensions = [quoted(name) for name in entry.table.dimensions]
    columns = ", ".join([quoted(f"{shown.name}{end}") for end in ("", "_low", "_high")] + dimensions)
    order = ", ".join(["1 DESC", *dimensions])
    told = f"FROM {quoted(entry.name)} WHERE {quoted(shown.name)} IS NOT NULL"
    with duckdb.connect(str(file), read_only=True) as connection:
        largest = connection.execute(
            f"SELECT {columns} {told} AND period = ? ORDER BY {order} LIMIT {_CELLS}",
            [last.period],
        ).fetchall()
        if not largest:
            return ()
        keys = largest[0][3:]
        same = "".join(f" AND {dimension} = ?" for dimension in dimensions)
        history = connection.execute(
            f"SELECT {columns}, period {told}{same} ORDER BY begins DESC LIMIT {_PERIODS}",
            list(keys),
        ).fetchall()[::-1]
    cells = tuple(Point(_label(row[3:]) or last.period, *row[:3]) for row in largest)
    which = "bars" if dimensions else "all"
    title = _SAID[which][language].format(figure=shown.title(language), period=last.period, count=len(cells))
    drawn = [Picture(title, bars(cells, title, _words(cells, language)), cells)]
    if len(history) > 1:
        drawn.append(_through_time(history, shown, _label(keys), language))
    return tuple(drawn)


def _through_time(history: list[tuple[object, ...]], shown: Figure, cell: str, language: Language) -> Picture:
    points = tuple(Point(str(row[-1]), *(float(str(value)) for value in row[:3])) for row in history)
    title = _SAID["time"][language].format(
        figure=shown.title(language), first=points[0].label, last=points[-1].label, cell=f" ({cell})" if cell else ""
    )
    return Picture(title, over_time(points, title, _words(points, language)), points)


def _label(keys: tuple[object, ...]) -> str:
    return " · ".join(str(key) for key in keys)


def _words(points: tuple[Point, ...], language: Language) -> str:
    said = _SAID["point"][language]
    return "; ".join(
        said.format(label=point.label, value=point.value, low=point.low, high=point.high) for point in points
    )
