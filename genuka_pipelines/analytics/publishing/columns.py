"""The columns of every table that analysts see, with what each means in both languages.

One list makes the DuckDB catalogue, the copy in PostgreSQL and the dictionary, so that a comment can
neither be missing in one of them nor say something else there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from genuka_pipelines.analytics.publishing.errors import CannotPublish
from genuka_pipelines.analytics.publishing.figures import figures
from genuka_pipelines.analytics.releases.release import told
from genuka_pipelines.catalog.published import AnonymisedTable
from genuka_pipelines.catalog.value import Words

Type = Literal["VARCHAR", "DATE", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"]
_LONGEST = 63
"""PostgreSQL cuts longer names, and two that were cut may be one."""


@dataclass(frozen=True)
class Column:
    """One column; `type` as DuckDB names it."""

    name: str
    type: Type
    says: Words


def wide_columns(table: AnonymisedTable) -> tuple[Column, ...]:
    """Of `<name>`: the period, the dimensions, each figure with its interval, status and note."""
    return (*_PERIOD, *_dimensions(table), *_figures(table), _STATUS, _NOTE)


def cells_columns(table: AnonymisedTable) -> tuple[Column, ...]:
    """Of `<name>_cells`: the period, the dimensions, one figure a row as it was drawn."""
    return (*_PERIOD, *_dimensions(table), *_CELL, _STATUS, _SPEC, _NOTE)


def earlier_columns(dimensions: Iterable[str]) -> tuple[Column, ...]:
    """The same of releases whose dimensions are no longer those declared."""
    said = Words(fr="une dimension de l'ancienne définition", en="a dimension of the earlier definition")
    return (*_PERIOD, *(Column(name, "VARCHAR", said) for name in dimensions), *_CELL, _STATUS, _SPEC, _NOTE)


def check_names(tables: Mapping[str, AnonymisedTable]) -> None:
    """CannotPublish where two tables of the catalogue, or two columns of a table, would bear one name."""
    for name, table in tables.items():
        if name in ("tables", "errata") or (name.endswith("_cells") and name.removesuffix("_cells") in tables):
            raise CannotPublish(f"analytics/{name} would hide another table of the catalogue: give it another name")
        for columns in (wide_columns(table), cells_columns(table)):
            _check(name, [column.name for column in columns])
        _check(name, told(table))


def _check(table: str, columns: Iterable[str]) -> None:
    seen: set[str] = set()
    for column in columns:
        # Neither DuckDB nor an analyst tells `Country` from `country`.
        if column.lower() in seen:
            raise CannotPublish(f"analytics/{table} would have two columns '{column}': rename one")
        if len(column) > _LONGEST:
            raise CannotPublish(f"analytics/{table}: '{column}' has more than {_LONGEST} letters: rename it")
        seen.add(column.lower())


def _dimensions(table: AnonymisedTable) -> Iterator[Column]:
    for name, dimension in table.dimensions.items():
        yield Column(name, "VARCHAR", dimension.title)


def _figures(table: AnonymisedTable) -> Iterator[Column]:
    for name, figure in figures(table).items():
        kind: Type = "BIGINT" if figure.whole else "DOUBLE"
        fr, en = figure.title.fr, figure.title.en
        yield Column(name, kind, figure.title)
        low = Words(fr=f"{fr} : bas de l'intervalle à 95 %", en=f"{en}: lower end of the 95 % interval")
        yield Column(f"{name}_low", kind, low)
        high = Words(fr=f"{fr} : haut de l'intervalle à 95 %", en=f"{en}: upper end of the 95 % interval")
        yield Column(f"{name}_high", kind, high)


_PERIOD = (
    Column(
        "period",
        "VARCHAR",
        Words(fr="période, comme 2026-10-31, 2026-W44, 2026-10 ou 2026-Q4 (UTC)", en="period, in UTC, such as 2026-10"),
    ),
    Column("begins", "DATE", Words(fr="premier jour de la période", en="first day of the period")),
    Column("ends", "DATE", Words(fr="premier jour après la période", en="first day after the period")),
)
_STATUS = Column(
    "status",
    "VARCHAR",
    Words(
        fr="released : publié ; below_threshold, suppressed : trop peu d'unités, rien n'en est dit",
        en="released; below_threshold, suppressed: too few units, nothing is told of them",
    ),
)
_NOTE = Column("note", "VARCHAR", Words(fr="correction ou réserve sur la période", en="correction or caveat"))
_SPEC = Column(
    "spec", "VARCHAR", Words(fr="empreinte de la définition", en="fingerprint of the definition it was made by")
)
_CELL = (
    Column("measure", "VARCHAR", Words(fr="ce qui est mesuré", en="what is measured")),
    Column("value", "DOUBLE", Words(fr="valeur sans biais, bruit compris", en="unbiased value, noise included")),
    Column("ci95_low", "DOUBLE", Words(fr="bas de l'intervalle à 95 %", en="lower end of the 95 % interval")),
    Column("ci95_high", "DOUBLE", Words(fr="haut de l'intervalle à 95 %", en="upper end of the 95 % interval")),
    Column("noise_scale", "DOUBLE", Words(fr="échelle du bruit", en="scale of the noise")),
)
TABLES = (
    Column("name", "VARCHAR", Words(fr="nom de la table", en="name of the table")),
    Column("title_fr", "VARCHAR", Words(fr="titre en français", en="title in French")),
    Column("title_en", "VARCHAR", Words(fr="titre en anglais", en="title in English")),
    Column("question_fr", "VARCHAR", Words(fr="question, en français", en="question it answers, in French")),
    Column("question_en", "VARCHAR", Words(fr="question, en anglais", en="question it answers, in English")),
    Column("every", "VARCHAR", Words(fr="rythme : day, week, month ou quarter", en="day, week, month or quarter")),
    Column("first_period", "VARCHAR", Words(fr="première période publiée", en="first period released")),
    Column(
        "last_complete_period", "VARCHAR", Words(fr="dernière période complète publiée", en="last complete period told")
    ),
    Column("missing_periods", "VARCHAR", Words(fr="périodes qui manquent", en="periods that should be there")),
    Column("releases", "BIGINT", Words(fr="nombre de publications", en="number of releases")),
    Column("unit", "VARCHAR", Words(fr="classe d'unités protégées", en="class of protected units")),
    Column("unit_fr", "VARCHAR", Words(fr="qui est protégé, en français", en="who is protected, in French")),
    Column("unit_en", "VARCHAR", Words(fr="qui est protégé, en anglais", en="who is protected, in English")),
    Column("epsilon", "DOUBLE", Words(fr="ε d'une publication", en="ε of one release")),
    Column("delta", "DOUBLE", Words(fr="δ d'une publication", en="δ of one release")),
    Column("epsilon_of_year", "DOUBLE", Words(fr="ε permis par an à cette classe", en="ε the class may cost a year")),
    Column("groups", "BIGINT", Words(fr="cellules où compte une unité", en="most cells that a unit counts in")),
    Column("minimum", "BIGINT", Words(fr="unités qu'il faut à une cellule", en="units that a cell must have")),
    Column("category", "VARCHAR", Words(fr="catégorie d'origine", en="category it is made of")),
    Column("purpose", "VARCHAR", Words(fr="finalité", en="purpose")),
    Column("caveats_fr", "VARCHAR", Words(fr="à savoir, en français", en="what to know before use, in French")),
    Column("caveats_en", "VARCHAR", Words(fr="à savoir, en anglais", en="what to know before use, in English")),
    Column("spec", "VARCHAR", Words(fr="empreinte de la définition", en="fingerprint of the definition")),
    Column("published", "TIMESTAMP", Words(fr="fait le (UTC)", en="when the catalogue was made (UTC)")),
)  # fmt: skip
ERRATA = (
    Column("table_name", "VARCHAR", Words(fr="table", en="table")),
    Column("first_period", "VARCHAR", Words(fr="première période", en="first period")),
    Column("last_period", "VARCHAR", Words(fr="dernière période", en="last period")),
    Column("says_fr", "VARCHAR", Words(fr="ce qui est faux, en français", en="what is wrong, in French")),
    Column("says_en", "VARCHAR", Words(fr="ce qui est faux, en anglais", en="what is wrong, in English")),
    Column("withdrawn", "BOOLEAN", Words(fr="la période n'est plus montrée", en="the period is no longer shown")),
    Column("recorded", "DATE", Words(fr="quand cela a été noté", en="when it was recorded")),
)
