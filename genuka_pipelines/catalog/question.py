"""A question of data quality that is asked of categories: one check each in Dagster, with its clauses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genuka_pipelines.catalog.category import Role
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import ClauseId, Identifier, SqlName, Value, Words

Asks = Literal[
    "as_declared",
    "well_formed",
    "tenants_apart",
    "card_data",
    "special_categories",
    "offer_stage",
    "passwords_hashed",
    "addresses_needed",
    "in_declared_places",
    "nothing_overdue",
]


class Scope(Value):
    """Which categories are asked: all that match every given line; processor data only on opt-in."""

    products: tuple[Identifier, ...] = ()
    roles: tuple[Role, ...] = ()
    categories: tuple[str, ...] = ()


class Served(Value):
    """The table whose rows make another's value necessary: `by` maps a column here to the column there."""

    table: SqlName
    by: dict[SqlName, SqlName] = Field(min_length=1)


class Need(Value):
    """A column that may have a value only where another table's row needs it; never, where none is named."""

    table: SqlName
    column: SqlName
    when: State = Field(default_factory=dict)
    served_by: Served | None = None


class Question(Value):
    """One question. A check that must wake someone is a blocking error; others warn.

    A clause counts only for categories of its own policy's product. `processor_data` says how far
    tenants' data are read; `event` names the column of the event that the question turns on, `needs`
    what must serve what; `grace` is how long what is due may wait for the next night.
    """

    title: Words
    asks: Asks
    of: Scope = Scope()
    clauses: tuple[ClauseId, ...] = ()
    severity: Literal["error", "warn"] = "error"
    blocking: bool = False
    processor_data: Literal["never", "opted_in", "counts_only"] = "never"
    event: SqlName | None = None
    needs: tuple[Need, ...] = ()
    grace: Period = Period("P0D")
    try_: str = Field(alias="try", default="genuka catalog")
    runbook: str | None = None
