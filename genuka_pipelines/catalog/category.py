"""A data category: the unit in which a policy speaks, an officer thinks and an asset is observed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.table import Table
from genuka_pipelines.catalog.value import ClauseId, Identifier, SqlName, Value, Words

Role = Literal["controller", "processor"]
Source = Literal["given", "recorded", "given_and_recorded", "made"]
LegalBasis = Literal[
    "consent",
    "contract",
    "legal_obligation",
    "legitimate_interest",
    "processor_instructions",
    "public_interest",
]


class Objects(Value):
    """Files of a category in a store: kept for a period, or as long as the rows that name them.

    `ended_by` names what ends the period where it is not the sweep: a backup is destroyed as a whole.
    """

    system: Identifier
    prefix: str = ""
    keep: Period | None = None
    ended_by: Literal["retention_sweep", "backup_expiry"] = "retention_sweep"
    kept_with: SqlName | None = None
    clause: ClauseId | None = None

    @model_validator(mode="after")
    def _ends(self) -> Objects:
        if (self.keep is None) == (self.kept_with is None):
            raise ValueError("objects end either after a period (keep) or with the rows of a table (kept_with)")
        return self


class Category(Value):
    """One heading of a policy, and every place that holds it.

    `role` is Genuka's role under the GDPR; `source` says whether people give the data or the service
    records them; `opt_in` names the consent by which a tenant lets its data be analysed.
    """

    title: Words
    description: Words | None = None
    role: Role
    source: Source
    system: Identifier
    subjects: tuple[Identifier, ...] = Field(min_length=1)
    purposes: tuple[Identifier, ...] = Field(min_length=1)
    legal_basis: tuple[LegalBasis, ...] = Field(min_length=1)
    law: tuple[str, ...] = Field(min_length=1)
    clauses: tuple[ClauseId, ...] = ()
    owners: tuple[str, ...] = ()
    heading: str | None = None
    opt_in: Identifier | None = None
    tables: dict[SqlName, Table] = Field(default_factory=dict)
    objects: tuple[Objects, ...] = ()
    retention: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _holds_something(self) -> Category:
        if not self.tables and not self.objects:
            raise ValueError("a category holds at least one table or one set of objects")
        return self

    @model_validator(mode="after")
    def _everything_ends(self) -> Category:
        if self.retention:
            return self
        for name, table in self.tables.items():
            if not table.retention and not table.kept_with:
                raise ValueError(
                    f"nothing ends the rows of '{name}': give it a retention rule, kept_with a parent table, "
                    "or give the category a rule"
                )
        return self

    @property
    def rules(self) -> tuple[tuple[str | None, Rule], ...]:
        """Every declared rule once, with the table it stands on; None for the rules of every table."""
        own = [(name, rule) for name, table in self.tables.items() for rule in table.retention]
        return (*own, *((None, rule) for rule in self.retention))

    @property
    def ends_by_age(self) -> tuple[tuple[Objects, Period], ...]:
        """The objects that the sweep ends, each with its period; a backup is destroyed as a whole, elsewhere."""
        return tuple((one, one.keep) for one in self.objects if one.keep and one.ended_by == "retention_sweep")

    def rules_of(self, table: str) -> tuple[Rule, ...]:
        """The rules of one table: its own, then those of the whole category."""
        return (*self.tables[table].retention, *self.retention)
