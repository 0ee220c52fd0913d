"""The nightly sweep as a declared thing: how much one run may destroy.

A bound that only an operator's memory held would be forgotten on the night that needs it.
"""

from __future__ import annotations

from pydantic import Field

from genuka_pipelines.catalog.value import ClauseId, Value, Words


class Sweep(Value):
    """One run destroys at most `rows` rows and lasts at most `minutes`; what is left, the next night takes."""

    title: Words
    rows: int | None = Field(default=None, ge=1)
    minutes: int | None = Field(default=None, ge=1)
    clauses: tuple[ClauseId, ...] = ()
