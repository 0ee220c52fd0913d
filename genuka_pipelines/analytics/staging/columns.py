"""Makes each staged column inside the database, in the way that is declared, so that nothing else leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.catalog.staging import Consent, StagedColumn, Staging
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.moment import Moment
from genuka_pipelines.rows.path import Predicate, parent
from genuka_pipelines.rows.state import has_value, in_state
from genuka_pipelines.systems.column_types import as_text

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
    if len(made.of) > 1:
        raise CannotStage(
            f"column '{name}' of '{table.name}' is staged as {made.way} of several columns; name one of them"
        )
    dialect = table.home.database.dialect
    (source,) = made.of
    if made.way == "day":
        return dialect.day(Moment(table, source).value())
    if made.way == "month":
        return dialect.month(Moment(table, source).value())
    if made.way == "host":
        return host_of(table, source)
    return table.column(source)


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
