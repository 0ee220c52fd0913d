"""The one closed query of every published table, in the SQL of DuckDB.

Nobody writes SQL inside the boundary: windows that look across units, keys that change after the
bounding or sums of floats cannot be asked for, because there is no place to ask.
"""

# ruff: noqa: S608 - one template; names and keys come from declared facts and are quoted, nothing comes from data.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from genuka_pipelines.analytics.bounding.query import OTHER, UNKNOWN, Query, cap
from genuka_pipelines.catalog.published import Dimension, Measure

STAGED, BOUNDED = "genuka_staged", "genuka_bounded"
_FAR = 1 << 40
"""No single row's amount is larger, so that the sum of a unit's rows stays in 64 bits."""


@dataclass(frozen=True)
class Statements:
    """`bounded` makes the relation that `proof` and `cells` read. They hold the salt, so they have no repr.

    `bounded`: unit, k0…, and for each measure m0… (of a mean also u0: whether it counts; of quantiles the
    range). `proof`: one row of maxima over units. `cells`: k0…, units, and a sum for each told number.
    """

    bounded: str = field(repr=False)
    proof: str = field(repr=False)
    cells: str = field(repr=False)


def statements(query: Query) -> Statements:
    """The three statements of a query over the relation `genuka_staged`."""
    table = query.table
    keys = [f"k{n}" for n in range(len(table.dimensions))]
    measures = list(table.measures.values())
    by = ", ".join(["unit", *keys])
    present = " AND ".join(f"{key} IS NOT NULL" for key in keys) or "TRUE"
    order = ", ".join([_drawn(query, keys), *keys])
    values = [f"{_integer(measure.of)} AS v{n}" for n, measure in enumerate(measures) if measure.of]
    labels = [
        f"{_key(name, dimension, labels)} AS {key}"
        for key, (name, dimension), labels in zip(keys, table.dimensions.items(), query.keys, strict=True)
    ]
    bounded = f"""
WITH counted AS (
    SELECT {", ".join([f"{_name(table.unit)} AS unit", *labels, *values])}
    FROM {STAGED} WHERE {" AND ".join(_conditions(query))}
), given AS (
    SELECT {", ".join([by, *(part for n, each in enumerate(measures) for part in _given(query, n, each, keys))])}
    FROM counted WHERE {present} GROUP BY {by}
), drawn AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY unit ORDER BY {order}) AS place FROM given
)
SELECT {", ".join([by, *(part for n, each in enumerate(measures) for part in _clamped(n, each))])}
FROM drawn WHERE place <= {query.groups}"""
    return Statements(bounded, _proof(keys, measures), _cells(keys, measures))


def _conditions(query: Query) -> Iterator[str]:
    table = query.table
    when = _name(table.period.of)
    within = f"{when} >= {_date(query.begins)} AND {when} < {_date(query.ends)}"
    yield f"{_name(table.unit)} IS NOT NULL"
    yield within
    for column, wanted in table.when.items():
        yield _state(column, wanted)
    if table.once:
        # By the first row of all, whatever its state: a unit then counts in one period, however states change.
        first = f"SELECT {_name(table.unit)} FROM {STAGED} WHERE {_name(table.unit)} IS NOT NULL"
        yield (
            f"{_name(table.unit)} IN ({first} GROUP BY {_name(table.unit)} HAVING MIN({when}) >= {_date(query.begins)})"
        )


def _state(column: str, wanted: bool | int | str | tuple[str, ...]) -> str:
    name = _name(column)
    if wanted == "present":
        return f"{name} IS NOT NULL"
    if wanted == "absent":
        return f"{name} IS NULL"
    if isinstance(wanted, bool):
        return f"{name} = {str(wanted).upper()}"
    if isinstance(wanted, int):
        return f"{name} = {wanted}"
    several = (wanted,) if isinstance(wanted, str) else wanted
    return f"CAST({name} AS VARCHAR) IN ({', '.join(map(_text, several))})"


def _key(name: str, dimension: Dimension, labels: tuple[str, ...] | None) -> str:
    column = _name(dimension.of or name)
    as_text = f"CAST({column} AS VARCHAR)"
    if labels is None:
        return as_text
    if dimension.edges is not None:
        highest_first = list(zip(dimension.edges, labels, strict=True))[::-1]
        return f"CASE {' '.join(f'WHEN {column} >= {low} THEN {_text(label)}' for low, label in highest_first)} END"
    listed = f"WHEN {as_text} IN ({', '.join(map(_text, labels))}) THEN {as_text}"
    missing = f"WHEN {column} IS NULL THEN {_text(UNKNOWN) if UNKNOWN in labels else 'NULL'}"
    return f"CASE {missing} {listed} {f'ELSE {_text(OTHER)} ' if OTHER in labels else ''}END"


def _integer(column: str) -> str:
    name = _name(column)
    # LEAST and GREATEST pass over NULL, and would make a value of what has none.
    return f"CASE WHEN {name} IS NOT NULL THEN CAST(GREATEST(LEAST({name}, {_FAR}), {-_FAR}) AS BIGINT) END"


def _given(query: Query, n: int, measure: Measure, keys: list[str]) -> Iterator[str]:
    """What a unit gives to a cell, before it is cut."""
    if measure.kind == "rows":
        yield f"COUNT(*) AS g{n}"
    elif measure.kind in ("sum", "mean"):
        yield f"SUM(v{n}) AS g{n}"
    elif measure.kind == "quantiles":
        # One of the unit's values, whichever the secret salt puts first: it depends on nobody else's rows.
        drawn = _drawn(query, [*keys, f"CAST(v{n} AS VARCHAR)"])
        yield f"ARG_MIN(v{n}, {drawn}) FILTER (WHERE v{n} IS NOT NULL) AS g{n}"


def _clamped(n: int, measure: Measure) -> Iterator[str]:
    if measure.kind == "units":
        yield f"CAST(1 AS BIGINT) AS m{n}"
    elif measure.kind == "rows":
        yield f"CAST(LEAST(g{n}, {measure.at_most}) AS BIGINT) AS m{n}"
    elif measure.between is not None:
        low, high = measure.between
        yield f"CASE WHEN g{n} IS NULL THEN 0 ELSE CAST(GREATEST(LEAST(g{n}, {high}), {low}) AS BIGINT) END AS m{n}"
        if measure.kind == "mean":
            yield f"CASE WHEN g{n} IS NULL THEN 0 ELSE 1 END AS u{n}"
    else:
        inner = list(enumerate(measure.edges))[-2:0:-1]
        ranges = "".join(f"WHEN g{n} >= {edge} THEN {bucket} " for bucket, edge in inner)
        yield f"CASE WHEN g{n} IS NULL THEN NULL {ranges}ELSE 0 END AS m{n}"


def _told(n: int, measure: Measure) -> Iterator[tuple[str, str]]:
    """The numbers of a measure: a name, and what a row of the bounded relation adds to it."""
    if measure.kind == "quantiles":
        for bucket in range(len(measure.edges) - 1):
            yield f"m{n}_{bucket}", f"CASE WHEN m{n} = {bucket} THEN 1 ELSE 0 END"
        return
    yield f"m{n}", f"m{n}"
    if measure.kind == "mean":
        yield f"u{n}", f"u{n}"


def _cells(keys: list[str], measures: list[Measure]) -> str:
    told = [f"SUM({adds}) AS {name}" for n, each in enumerate(measures) for name, adds in _told(n, each)]
    grouped = f" GROUP BY {', '.join(keys)}" if keys else ""
    return f"SELECT {', '.join([*keys, 'COUNT(*) AS units', *told])} FROM {BOUNDED}{grouped}"


def _proof(keys: list[str], measures: list[Measure]) -> str:
    """The most cells of a unit, the most rows and amounts of a unit in a cell, and how many units."""
    amounts = [f"MAX(ABS(a{n})) AS a{n}" for n, each in enumerate(measures) if each.kind != "quantiles"]
    added = [f"SUM(m{n}) AS a{n}" for n, each in enumerate(measures) if each.kind != "quantiles"]
    by = ", ".join(["unit", *keys])
    return f"""
SELECT MAX(held) AS held, MAX(times) AS times, COUNT(unit) AS units, COUNT(*) AS everyone{_listed(amounts, "MAX")}
FROM (
    SELECT unit, COUNT(*) AS held, MAX(times) AS times{", ".join(["", *amounts])}
    FROM (SELECT {", ".join([by, "COUNT(*) AS times", *added])} FROM {BOUNDED} GROUP BY {by}) AS each_cell
    GROUP BY unit
) AS each_unit"""


def _listed(amounts: list[str], outer: str) -> str:
    names = [amount.rsplit(" AS ", 1)[1] for amount in amounts]
    return "".join(f", {outer}({name}) AS {name}" for name in names)


def proven_caps(measures: list[Measure]) -> dict[str, int]:
    """The column of the proof for each measure that has an amount, and the most it may be."""
    return {f"a{n}": cap(each) for n, each in enumerate(measures) if each.kind != "quantiles"}


def _drawn(query: Query, columns: list[str]) -> str:
    # Twelve digits lie within the engine's own words, and sort faster than thirty-two.
    return f"LEFT(MD5(CONCAT_WS('|', {', '.join([_text(query.salt), 'CAST(unit AS VARCHAR)', *columns])})), 12)"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _date(day: date) -> str:
    return f"DATE '{day.isoformat()}'"
