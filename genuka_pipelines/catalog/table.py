"""A table as the catalogue sees it: whose rows, which person, what every column holds, how long.

A column that nobody declared is a promise that nobody keeps; so every column is named here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.expectation import ExpectationField
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.staging import Staging
from genuka_pipelines.catalog.value import SqlName, Value, Words


class TenantPath(Value):
    """How a row finds its tenant: a column, a parent row, or one of several polymorphic parents."""

    column: SqlName | None = None
    parent: SqlName | None = None
    key: SqlName = "id"
    owners: dict[str, SqlName] = Field(default_factory=dict)
    kind: SqlName | None = None

    @model_validator(mode="after")
    def _one_way(self) -> TenantPath:
        if self.column is None or (self.owners and (self.parent or not self.kind)):
            raise ValueError(
                "a tenant path is a column (company_id), a parent ({column: order_id, parent: orders}), "
                "or owners ({column: model_id, kind: model_type, owners: {'App\\Models\\Order': orders}})"
            )
        return self


def _path(raw: object) -> object:
    return {"column": raw} if isinstance(raw, str) else raw


class Owners(Value):
    """Which table a column names a row of: always the same one, or one by what the column `kind` says."""

    kind: SqlName | Literal[""] = ""
    owners: dict[str, SqlName] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Owners:
        if not self.kind and len(self.owners) > 1:
            raise ValueError(
                "a reference names rows of one table (conversation_id: chat_conversations), or of several by a "
                "column that says which ({kind: model_type, owners: {'App\\Models\\Order': orders}})"
            )
        return self


def _owners(raw: object) -> object:
    return {"owners": {"": raw}} if isinstance(raw, str) else raw


class Column(Value):
    """What a column holds: a classification of the vocabulary, and how it is protected.

    `anonymised` says what stays when the row is anonymised in place: the value (`keep`), nothing
    (`blank`), or a keyed hash of the row's key where values must differ (`opaque`). Where it is not
    said, keys and what does not speak of a person are kept, everything else is blanked.
    """

    holds: str
    stage: Literal["before_offer", "from_offer"] = "before_offer"
    protected: Literal["hash", "encrypted", "token"] | None = None
    anonymised: Literal["keep", "blank", "opaque"] | None = None


def _column(raw: object) -> object:
    return {"holds": raw} if isinstance(raw, str) else raw


class Content(Value):
    """What a row points at elsewhere: a recording at a processor, an object in a store."""

    system: str
    key: SqlName
    variants: tuple[str, ...] = ()


class Table(Value):
    """One table of a category.

    `subject` maps a kind of person to the column that is their key. `kept_with` names the parent
    whose end is also this table's end. `references` are columns beside the tenant path whose name does not
    say what they name a row of, or that name one of several tables.
    `ends_with` maps a column that names rows of other tables (the tenant path's, one of `references`, or
    `<singular>_id`) to what becomes of this row when the row it names is destroyed.
    """

    tenant: Annotated[TenantPath, BeforeValidator(_path, json_schema_input_type=str | TenantPath)] | None = None
    subject: dict[str, SqlName] = Field(default_factory=dict)
    references: dict[SqlName, Annotated[Owners, BeforeValidator(_owners, json_schema_input_type=str | Owners)]] = Field(
        default_factory=dict
    )
    key: tuple[SqlName, ...] = ("id",)
    columns: dict[SqlName, Annotated[Column, BeforeValidator(_column, json_schema_input_type=str | Column)]] = Field(
        min_length=1
    )
    content: Content | None = None
    retention: tuple[Rule, ...] = ()
    kept_with: SqlName | None = None
    ends_with: dict[SqlName, Literal["delete", "anonymise"]] = Field(default_factory=dict)
    expectations: tuple[ExpectationField, ...] = ()
    staging: Staging | None = None
    note: Words | None = None

    @model_validator(mode="after")
    def _columns_exist(self) -> Table:
        for use, name in self._columns_used():
            if name not in self.columns:
                known = ", ".join(self.columns)
                raise ValueError(
                    f"{use} names the column '{name}', which this table does not declare; it declares {known}"
                )
        return self

    def _columns_used(self) -> list[tuple[str, str]]:
        used = [("key", name) for name in self.key]
        used += [
            ("references", name) for column, owned in self.references.items() for name in (column, owned.kind) if name
        ]
        used += [("subject", name) for name in self.subject.values()]
        used += [("ends_with", name) for name in self.ends_with]
        if self.tenant:
            used += [("tenant", name) for name in (self.tenant.column, self.tenant.kind) if name]
        if self.content:
            used.append(("content", self.content.key))
        for rule in self.retention:
            used += [("retention", own_column(ref)) for ref in rule.references if "." not in ref]
        used += [("expectations", name) for item in self.expectations for name in item.columns]
        if self.staging:
            used += [("staging", name) for name in self.staging.reads if "." not in name]
        return used


def own_column(reference: str) -> str:
    """The column that a reference reads in its own table: `ulid:id` reads `id`."""
    return reference.removeprefix("ulid:")
