"""Makes each staged column inside the database, in the way that is declared, so that nothing else leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.catalog.staging import BETWEEN, Consent, StagedColumn, Staging
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.link import carries_tenant, link
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import Predicate, parent
from genuka_pipelines.rows.state import has_value, in_state
from genuka_pipelines.systems.column_types import as_text

_DIGITS = {
    0: ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
        "XPF"),
    3: ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"),
}  # fmt: skip
"""Currencies whose smallest unit is not a hundredth (ISO 4217)."""
Keyed = Callable[[StagedColumn], sa.ColumnElement[Any]]
_HOST = "^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+([a-z][a-z]+|xn--[a-z0-9-]+)$"
"""Names only: an address in figures points at one machine, and what is no name may be anything.

No bounds such as {1,63}: with them, PostgreSQL took fourteen times as long.
"""


def staged_column(table: DeclaredTable, name: str, made: StagedColumn, keyed: Keyed) -> sa.ColumnElement[Any]:
    """The expression of one staged column; `keyed` makes pseudonyms and device_days."""
    if made.way in ("pseudonym", "device_day"):
        return keyed(made)
    if made.way == "present":
        return sa.type_coerce(sa.or_(*(has_value(table, source) for source in made.of)), sa.Boolean())
    dialect = table.home.database.dialect
    if made.way in BETWEEN:
        earlier, later = (Moment(_within_reach(table, source), source).value() for source in made.of)
        counted = dialect.minutes_between if made.way == "minutes" else dialect.months_between
        return sa.case((earlier <= later, counted(earlier, later)))
    if made.way == "minor_units":
        return minor_units(table, *made.of)
    if len(made.of) > 1:
        raise CannotStage(
            f"column '{name}' of '{table.name}' is staged as {made.way} of several columns; name one of them"
        )
    (source,) = made.of
    _within_reach(table, source)
    if made.way == "day":
        return dialect.day(Moment(table, source).value())
    if made.way == "month":
        return dialect.month(Moment(table, source).value())
    if made.way == "host":
        return host_of(table, source)
    if made.way == "language":
        return language_of(table, source)
    if made.way == "setting":
        return dialect.setting(table.column(source), str(made.key))
    other, _, column = source.rpartition(".")
    return link(table, other).value(lambda row: row.column(column)) if other else table.column(source)


def language_of(table: DeclaredTable, source: str) -> sa.ColumnElement[Any]:
    """The first part of a language tag (RFC 5646) in lower case; NULL for what is none."""
    dialect = table.home.database.dialect
    found = dialect.part(dialect.part(as_text(table.column(source)), "-", 1), "_", 1)
    spoken = sa.func.lower(found)
    return sa.case((dialect.matches(spoken, "^[a-z][a-z][a-z]?$"), spoken))


def minor_units(table: DeclaredTable, amount: str, currency: str) -> sa.ColumnElement[int]:
    """An exact amount in the smallest units of its currency (ISO 4217), NULL without a currency.

    UnfitColumn for an inexact amount, whose sum would depend on the order of rows.
    """
    if table.kind(amount) not in ("decimal", "integer"):
        raise UnfitColumn(table.name, amount, table.kind(amount), "an exact amount: a decimal or a whole number")
    said = sa.func.upper(table.home.database.dialect.text(table.column(currency)))
    factor: sa.ColumnElement[int] = sa.case(
        *((said.in_(codes), sa.literal_column(str(10**digits))) for digits, codes in _DIGITS.items()),
        (said != "", sa.literal_column("100")),
    )
    return sa.cast(sa.func.round(table.column(amount) * factor), sa.BigInteger)


def _within_reach(table: DeclaredTable, source: str) -> DeclaredTable:
    """The table; CannotStage where a row would reach several rows of the table that `source` names."""
    other = source.rpartition(".")[0]
    if not other:
        return table
    found = link(table, other)
    # A dedicated database asks the shared one about its tenant, of which the tenants' own table has one row.
    if found.several and (carries_tenant(table, found.target),) != found.target.table.key:
        raise CannotStage(
            f"a row of '{table.name}' reaches several rows of '{other}', so '{source}' is no one value; "
            "read it from a table of which each row here has one"
        )
    return table


def rows_of(table: DeclaredTable, staging: Staging, within: Predicate | None) -> Predicate:
    """The rows that may be staged: of tenants that agreed, in the declared state, with the person's consent."""
    conditions = [in_state(table, staging.when)]
    if within is not None:
        conditions.append(within)
    if staging.consent:
        conditions.append(_agreed(table, staging.consent))
    return sa.and_(*conditions)


def host_of(table: DeclaredTable, source: str) -> sa.ColumnElement[Any]:
    """The host of a URL in lower case, without user, port, path or query; NULL for what is no host name."""
    dialect = table.home.database.dialect
    found = dialect.part(as_text(table.column(source)), "://", 2)
    for separator in "/?#":
        found = dialect.part(found, separator, 1)
    host = sa.func.lower(dialect.part(dialect.part(found, "@", -1), ":", 1))
    return sa.case((dialect.matches(host, _HOST), host))


def _agreed(table: DeclaredTable, consent: Consent) -> Predicate:
    """A row of the table of choices matches, and is in the state that means agreement."""
    choices = parent(table, consent.table)
    alike = table.home.database.dialect.alike
    pairs = (alike(table.column(here), choices.column(there)) for here, there in consent.by.items())
    matching = [theirs == mine for mine, theirs in pairs]
    chosen: sa.Select[int] = sa.select(sa.literal_column("1")).select_from(choices.sql)
    return chosen.where(*matching, in_state(choices, consent.when)).correlate_except(choices.sql).exists()
