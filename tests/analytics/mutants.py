"""Ways in which the closed query could be wrong, each made from the right one; every one must be caught."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from genuka_pipelines.analytics.bounding.query import Query
from genuka_pipelines.analytics.bounding.template import Statements, statements


class Mutant(NamedTuple):
    """A shape whose statements are changed."""

    shape: str
    change: Callable[[Statements], Statements]


def made(asked: Query, mutant: Mutant) -> Statements:
    right = statements(asked)
    wrong = mutant.change(right)
    changed = (wrong.bounded, wrong.proof, wrong.cells) != (right.bounded, right.proof, right.cells)
    assert changed, "the template no longer has what this mutant changes"
    return wrong


def _bounded(pattern: str, by: str) -> Callable[[Statements], Statements]:
    return lambda right: replace(right, bounded=re.sub(pattern, by, right.bounded))


def _cells(pattern: str, by: str) -> Callable[[Statements], Statements]:
    return lambda right: replace(right, cells=re.sub(pattern, by, right.cells))


def _and_no_proof(change: Callable[[Statements], Statements]) -> Callable[[Statements], Statements]:
    """The proof sees nothing: only what a unit changes can tell."""

    def changed(right: Statements) -> Statements:
        blind = re.sub(r"MAX\((held|times|a\d)\) AS", "MIN(0) AS", right.proof, count=0)
        return replace(change(right), proof=blind)

    return changed


_NO_L0 = _bounded(r"place <= \d+", "place <= 1000")
_NO_CAP = _bounded(r"LEAST\(g1, 3\)", "g1")
_NO_HIGH = _bounded(r"LEAST\(g0, 500\)", "g0")
_NO_LOW = _bounded(r"GREATEST\((LEAST\(g0, 500\)|g0), -50\)", r"\1")
_AGAIN = _bounded(r"FROM given", "FROM given CROSS JOIN (VALUES (1), (2)) AS twice (again)")
_NOBODY = _bounded(r'"unit" IS NOT NULL AND', "")

MUTANTS: Mapping[str, Mutant] = {
    "no bound of cells": Mutant("counts", _NO_L0),
    "one cell too many": Mutant("counts", _bounded(r"place <= 2", "place <= 3")),
    "no bound of cells, unproven": Mutant("counts", _and_no_proof(_NO_L0)),
    "a window over all units": Mutant("counts", _bounded(r"PARTITION BY unit ORDER BY", "ORDER BY")),
    "a window over cells": Mutant("counts", _bounded(r"PARTITION BY unit ORDER BY", "PARTITION BY k0 ORDER BY")),
    "cells drawn by how many others there are": Mutant(
        "counts",
        lambda right: _bounded(r"ORDER BY o", "ORDER BY others, o")(
            _bounded(r"FROM placed", "FROM (SELECT *, COUNT(*) OVER (PARTITION BY k0) AS others FROM placed)")(right)
        ),
    ),
    "cells drawn anew each time": Mutant(
        "counts", _bounded(r"MD5\(CONCAT_WS\('\|', '\w+'", "MD5(CONCAT_WS('|', UUID()")
    ),
    "no bound of rows": Mutant("counts", _NO_CAP),
    "no bound of rows, unproven": Mutant("counts", _and_no_proof(_NO_CAP)),
    "no upper bound of a sum": Mutant("sums", _NO_HIGH),
    "no upper bound of a sum, unproven": Mutant("sums", _and_no_proof(_NO_HIGH)),
    "no lower bound of a sum": Mutant("sums", _NO_LOW),
    "rows clamped, not the unit": Mutant(
        "sums",
        lambda right: _bounded(r"SUM\(v0\) AS g0", "SUM(LEAST(GREATEST(v0, -50), 500)) AS g0")(
            _NO_LOW(_NO_HIGH(right))
        ),
    ),
    "clamped after the sum": Mutant("sums", lambda right: _cells(r"SUM\(m0\)", "LEAST(SUM(m0), 500)")(_NO_HIGH(right))),
    "rows without a unit": Mutant(
        "counts",
        lambda right: _bounded(r"keyed.unit = units.unit", "keyed.unit IS NOT DISTINCT FROM units.unit")(
            _NOBODY(right)
        ),
    ),
    "rows without a unit as one unit": Mutant(
        "counts", lambda right: _bounded(r'"unit" AS unit', "COALESCE(\"unit\", 'x') AS unit")(_NOBODY(right))
    ),
    "drawn by the units before": Mutant(
        "counts", _bounded(r"JOIN units ON keyed.unit = units.unit", "JOIN units ON keyed.unit >= units.unit")
    ),
    "drawn by how many units there are": Mutant(
        "counts", _bounded(r"AS c0, ", "* (COUNT(*) OVER ()) % 2147483647 AS c0, ")
    ),
    "keys changed after bounding": Mutant("counts", _cells(r"SELECT k0", "SELECT 3 AS k0")),
    "a row of no key": Mutant("counts", _cells(r"SELECT k0", "SELECT NULLIF(k0, 0) AS k0")),
    "a cell that is no key": Mutant("counts", _cells(r"SELECT k0", "SELECT k0 + 1 AS k0")),
    "rows of a unit kept apart": Mutant("sums", _bounded(r"GROUP BY unit, k0, k1", "GROUP BY unit, k0, k1, v0")),
    "joined to many rows": Mutant("counts", _AGAIN),
    "joined to many rows, unproven": Mutant("counts", _and_no_proof(_AGAIN)),
    "a float in a sum": Mutant("sums", _cells(r"SUM\(m0\)", "SUM(m0 / 3.0e0)")),
    "scaled after bounding": Mutant("sums", _cells(r"SUM\(m0\)", "SUM(m0) * 2")),
    "less what all have": Mutant(
        "counts", _cells(r"SUM\(m1\)", "SUM(m1) + (SELECT COUNT(DISTINCT unit) FROM genuka_bounded)")
    ),
    "small cells hidden exactly": Mutant(
        "counts", lambda right: replace(right, cells=right.cells + " HAVING COUNT(DISTINCT unit) > 2")
    ),
    "only the largest cells": Mutant(
        "sums", lambda right: replace(right, cells=right.cells + " ORDER BY COUNT(*) DESC, k0, k1 LIMIT 1")
    ),
    "a mean's units by the rows": Mutant(
        "sums", _bounded(r"CASE WHEN g1 IS NULL THEN 0 ELSE 1 END", "COALESCE(g1, 0)")
    ),
    "a unit in several ranges": Mutant("quantiles", _bounded(r"GROUP BY unit, k0", "GROUP BY unit, k0, v0")),
    "every period of a unit": Mutant("once", _bounded(r'AND "unit" IN \(SELECT .* >= DATE \'2026-\d\d-01\'\)', "")),
    "no private key bound": Mutant("private", _and_no_proof(_NO_L0)),
}
