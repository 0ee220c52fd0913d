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
from genuka_pipelines.catalog.published import Measure

STAGED, BOUNDED = "genuka_staged", "genuka_bounded"
_FAR = 1 << 40
"""No single row's amount is larger, so that the sum of a unit's rows stays in 64 bits."""
_PRIME, _COEFFICIENTS = 2**31 - 1, 4
"""Of the polynomial that draws cells: products stay in 64 bits, and four fit the digits of one hash."""


@dataclass(frozen=True)
class Statements:
    """`bounded` makes the relation that `proof` and `cells` read. They hold the salt, so they have no repr.

    `bounded`: unit, k0…, and for each measure m0… (of a mean also u0: whether it counts; of quantiles the
    range). `proof`: one row of maxima over units. `cells`: k0…, units, and a sum for each told number. A k is
    the place of a public key among its dimension's, or the text of a private one.
    """

    bounded: str = field(repr=False)
    proof: str = field(repr=False)
    cells: str = field(repr=False)


def statements(query: Query) -> Statements:
    """The three statements of a query over the relation `genuka_staged`.

    The rows of a unit are ranked by cell before they are added up: that costs one sort of whole numbers, and
    only the cells that count are grouped.
    """
    table = query.table
    keys = [f"k{n}" for n in range(len(table.dimensions))]
    measures = list(table.measures.values())
    by = ", ".join(["unit", *keys])
    values = [f"v{n}" for n, measure in enumerate(measures) if measure.of]
    bounded = f"""
WITH counted AS (
    SELECT {", ".join([f"{_name(table.unit)} AS unit", *_read(query, measures)])}
    FROM {STAGED} WHERE {" AND ".join(_conditions(query))}
), keyed AS (
    SELECT {", ".join(["unit", *_keys(query), *values])} FROM counted{"".join(_lists(query))}
), units AS (
    SELECT unit, {", ".join(f"{_whole('h', 8 * n + 1, 8)} AS c{n}" for n in range(_COEFFICIENTS))} FROM (
        SELECT unit, {_drawn(query, [])} AS h FROM (
            SELECT DISTINCT {_name(table.unit)} AS unit FROM {STAGED} WHERE {" AND ".join(_conditions(query))}
        ) AS each_once
    ) AS hashed
), placed AS (
    SELECT keyed.unit AS unit, {", ".join([*keys, *values, f"{_order(query, keys)} AS o"])}
    FROM keyed JOIN units ON keyed.unit = units.unit
    WHERE {" AND ".join(f"{key} IS NOT NULL" for key in keys) or "TRUE"}
), drawn AS (
    SELECT {", ".join([by, *values])}, DENSE_RANK() OVER (PARTITION BY unit ORDER BY {", ".join(["o", *keys])}) AS place
    FROM placed
), given AS (
    SELECT {", ".join([by, *(part for n, each in enumerate(measures) for part in _given(query, n, each, keys))])}
    FROM drawn WHERE place <= {query.groups} GROUP BY {by}
)
SELECT {", ".join([by, *(part for n, each in enumerate(measures) for part in _clamped(n, each))])}
FROM given"""
    return Statements(bounded, _proof(keys, measures), _cells(keys, measures))


def _read(query: Query, measures: list[Measure]) -> Iterator[str]:
    """What is read of a row: t0… texts of keys, or k0… where the key is a range of numbers, and v0… amounts."""
    for n, (name, dimension) in enumerate(query.table.dimensions.items()):
        column = _name(dimension.of or name)
        if dimension.edges is None:
            yield f"CAST({column} AS VARCHAR) AS t{n}"
        else:
            highest_first = list(enumerate(dimension.edges))[::-1]
            yield f"CASE {' '.join(f'WHEN {column} >= {low} THEN {place}' for place, low in highest_first)} END AS k{n}"
    yield from (f"{_integer(measure.of)} AS v{n}" for n, measure in enumerate(measures) if measure.of)


def _keys(query: Query) -> Iterator[str]:
    """The key of each dimension; NULL where the row does not count."""
    for n, (dimension, labels) in enumerate(zip(query.table.dimensions.values(), query.keys, strict=True)):
        if dimension.edges is not None:
            yield f"k{n}"
        elif labels is None:
            yield f"t{n} AS k{n}"
        else:
            missing, others = (labels.index(key) if key in labels else "NULL" for key in (UNKNOWN, OTHER))
            yield f"CASE WHEN t{n} IS NULL THEN {missing} ELSE COALESCE(place{n}, {others}) END AS k{n}"


def _lists(query: Query) -> Iterator[str]:
    """Each public list of keys, which a row meets once at most."""
    for n, (dimension, labels) in enumerate(zip(query.table.dimensions.values(), query.keys, strict=True)):
        if dimension.edges is None and labels is not None:
            listed = ", ".join(f"({_text(label)}, {place})" for place, label in enumerate(labels))
            yield f"\n    LEFT JOIN (VALUES {listed}) AS list{n} (label{n}, place{n}) ON t{n} = label{n}"


def _order(query: Query, keys: list[str]) -> str:
    """A number below 2^31 that the secret salt, the unit and the cell decide, and nobody else's rows.

    A polynomial over a prime field, its coefficients the unit's own: a hash of every pair would cost more than
    all the rest. Where the cells are found in the data, their texts are hashed to points.
    """
    if query.private:
        point = _whole(_drawn(query, keys, unit=False), 1, 15)
    else:
        point = "0"
        for key, labels in zip(keys, query.keys, strict=True):
            point = key if point == "0" else f"({point}) * {len(labels or ())} + {key}"
    value = "c0"
    for n in range(1, _COEFFICIENTS):
        value = f"(({value}) * ({point}) + c{n}) % {_PRIME}"
    return value


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


def _drawn(query: Query, columns: list[str], *, unit: bool = True) -> str:
    return (
        f"MD5(CONCAT_WS('|', {', '.join([_text(query.salt), *(['CAST(unit AS VARCHAR)'] if unit else []), *columns])}))"
    )


def _whole(digits: str, first: int, many: int) -> str:
    """Some hexadecimal digits as a number of the field. See `spark.in_spark`, which writes it otherwise."""
    return f"CAST('0x' || SUBSTR({digits}, {first}, {many}) AS BIGINT) % {_PRIME}"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _date(day: date) -> str:
    return f"DATE '{day.isoformat()}'"
