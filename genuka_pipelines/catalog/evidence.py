"""The ledger as a declared thing: where its head is anchored, so that cutting off its end is noticed."""

from __future__ import annotations

from pydantic import Field

from genuka_pipelines.catalog.value import ClauseId, Identifier, Value, Words


class Ledger(Value):
    """The append-only ledger, and the stores that receive its signed head every day."""

    title: Words
    anchored_in: tuple[Identifier, ...] = Field(min_length=1)
    clauses: tuple[ClauseId, ...] = ()
