"""A notebook that runs as it is: from the catalogue to a chart with its intervals, by DuckDB and pandas alone.

An example that needs a library which is not there, or a path to be corrected first, is not run by
anyone; this one looks for `analytics.duckdb` beside itself.
"""

from __future__ import annotations

import json
from typing import Any

FILE = "analytics.ipynb"
_OPEN = """\
import os

import duckdb
import pandas as pd

# Beside this notebook, or wherever GENUKA_ANALYTICS_FILE says (also s3://bucket/analytics.duckdb).
file = os.environ.get("GENUKA_ANALYTICS_FILE", "analytics.duckdb")
analytics = duckdb.connect()
analytics.execute(f"ATTACH '{file}' AS analytics (READ_ONLY)")
tables = analytics.sql("SELECT name, title_en, every, last_complete_period, missing_periods FROM analytics.tables").df()
tables"""
_CHOOSE = """\
# Choose a table: the first with a release, unless you name another.
told = tables[tables["last_complete_period"].notna()]
name = told["name"].iloc[0] if len(told) else None
about = analytics.execute("SELECT caveats_en FROM analytics.tables WHERE name = ?", [name]).fetchall()
print(name, *(row[0] for row in about), sep="\\n")"""
_READ = """\
# A row a cell; each figure stands between its `_low` and its `_high`.
visible = analytics.sql(f'SELECT * FROM analytics."{name}" ORDER BY begins').df() if name else pd.DataFrame()
visible.tail(10)"""
_CHART = '''\
from html import escape


class ErrorBars:
    """The largest cells of the last period, drawn; with matplotlib: `plt.errorbar(x, y, yerr=[y - low, high - y])`."""

    def __init__(self, frame, figure, keys):
        self.rows = [
            (" · ".join(str(row[key]) for key in keys), row[figure], row[figure + "_low"], row[figure + "_high"])
            for _, row in frame.dropna(subset=[figure]).nlargest(12, figure).iterrows()
        ]

    def _repr_svg_(self):
        scale = 400 / (max((high for *_, high in self.rows), default=1) or 1)
        drawn = ""
        for place, (label, value, low, high) in enumerate(self.rows):
            y = 24 * place + 12
            drawn += (
                f'<text x="190" y="{y + 4}" text-anchor="end" font-size="12">{escape(label[:30])}</text>'
                f'<rect x="200" y="{y - 8}" width="{max(0, value) * scale:.1f}" height="16" fill="#3b7dd8"/>'
                f'<path d="M{200 + max(0, low) * scale:.1f} {y}H{200 + high * scale:.1f}" stroke="black"/>'
                f'<text x="{206 + high * scale:.1f}" y="{y + 4}" font-size="12">{value:,.0f}</text>'
            )
        height = 24 * len(self.rows) or 1
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}">{drawn}</svg>'


figures = [column.removesuffix("_low") for column in visible.columns if column.endswith("_low")]
keys = [
    column
    for column in visible.columns
    if column not in ("period", "begins", "ends", "status", "note")
    and not any(column in (figure, figure + "_low", figure + "_high") for figure in figures)
]
last = visible[visible["period"] == visible["period"].iloc[-1]] if len(visible) else visible
chart = ErrorBars(last, figures[0], keys) if figures else None
chart'''
_UNBIASED = """\
# To add many cells up, take the unbiased figures: their noise evens out, while clamped figures lean upwards.
unbiased = (
    analytics.sql(
        f'''SELECT period, measure, sum(value) AS total, sum(((ci95_high - ci95_low) / 2) ** 2) ** 0.5 AS plus_or_minus
        FROM analytics."{name}_cells" WHERE status = 'released' GROUP BY ALL ORDER BY period, measure'''
    ).df()
    if name
    else pd.DataFrame()
)
unbiased.tail(10)"""


def notebook() -> str:
    """The notebook's JSON (nbformat 4.5)."""
    cells = [
        _text(
            "# The anonymised tables · Les tables anonymes\n\n"
            "Every figure bears noise that protects people; its 95 % interval says how much. `dictionary.html` tells "
            "of every table.\n\nChaque valeur porte un bruit qui protège les personnes ; son intervalle à 95 % dit "
            "combien. `dictionnaire.html` décrit chaque table."
        ),
        *(_code(source) for source in (_OPEN, _CHOOSE, _READ, _CHART, _UNBIASED)),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    content = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": lines}
