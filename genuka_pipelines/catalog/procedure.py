"""A duty that people perform: the system asks for it, tracks it and dates it."""

from __future__ import annotations

from pydantic import Field

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.value import ClauseId, Value, Words


class Procedure(Value):
    """One duty: what is done, by whom, how often (or on an event)."""

    title: Words
    steps: tuple[Words, ...] = Field(min_length=1)
    who: str
    every: Period | None = None
    event: Words | None = None
    clauses: tuple[ClauseId, ...] = Field(min_length=1)
