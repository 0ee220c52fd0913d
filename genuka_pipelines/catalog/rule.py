"""A retention rule as a pure value: an anchor event, a calendar period, and what moves its end.

The policy's sentences are all of this shape; one value that prints itself in words and computes
its own cut-off keeps the sentence, the sweep and the explanation the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import ClauseId, Identifier, Value

Reference = Annotated[str, Field(pattern=r"^(?:ulid:)?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$")]
"""A column (`ended_at`), a column of another declared table (`orders.closed_at`), or the time inside
a ULID key (`ulid:id`), which no caller can set."""


class Anchor(Value):
    """The event from which a period runs: the latest, the earliest, or the first known of several."""

    of: tuple[Reference, ...] = Field(min_length=1)
    pick: Literal["latest", "earliest", "first_known"] = "first_known"


def _anchor(raw: object) -> object:
    if isinstance(raw, str):
        return {"of": [raw]}
    if isinstance(raw, dict) and len(raw) == 1:
        ((pick, of),) = raw.items()
        if pick in ("latest", "earliest", "first_known"):
            return {"pick": pick, "of": of}
    return raw


Pick = Literal["latest", "earliest", "first_known"]
AnchorField = Annotated[
    Anchor, BeforeValidator(_anchor, json_schema_input_type=str | dict[Pick, tuple[Reference, ...]])
]


class Floor(Value):
    """A period before whose end this rule destroys nothing; its own `sooner` events end it all the same."""

    keep: Period
    since: AnchorField


class LegalMinimum(Value):
    """What the law of a country requires to be kept, and what happens to the row meanwhile."""

    since: AnchorField
    minimum: dict[str, Period] = Field(min_length=1)
    country: Reference | None = None
    meanwhile: Literal["keep", "anonymise"] = "anonymise"
    basis: str = Field(min_length=3)


_FOUR_YEARS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days) for days in range(1461)]
"""Every day from which a calendar period may begin: thirty days are shorter than a month but in February."""


class Rule(Value):
    """How long rows of a table are kept. Source: the clause named.

    `otherwise` is used where `since` is NULL, so a missing date never keeps a row for ever;
    `sooner` names events that end the period at once; `ceiling` lowers a promise, never raises it.
    `deleted_by` says that the rule follows a deletion in the application, a person's own or a tenant's:
    what it destroys is listed row by row, so that a restored backup knows of it. `also` names other
    clauses that the same end keeps.
    """

    name: Identifier | None = None
    keep: Period
    since: AnchorField
    otherwise: AnchorField | None = None
    when: State = Field(default_factory=dict)
    sooner: dict[Identifier, Reference] = Field(default_factory=dict)
    floor: Floor | None = None
    ceiling: Period | None = None
    law: LegalMinimum | None = None
    action: Literal["delete", "anonymise", "drop_database"] = "delete"
    notices: tuple[Period, ...] = ()
    deleted_by: Literal["person", "tenant"] | None = None
    clause: ClauseId
    also: tuple[ClauseId, ...] = ()

    @model_validator(mode="after")
    def _ceiling_lowers(self) -> Rule:
        if self.ceiling is not None and any(self.ceiling.end(day) > self.keep.end(day) for day in _FOUR_YEARS):
            raise ValueError(f"ceiling {self.ceiling} is longer than the promise {self.keep}; it may only lower it")
        return self

    @property
    def period(self) -> Period:
        """The period that binds: the promise, or the lower ceiling."""
        return self.ceiling or self.keep

    @property
    def references(self) -> tuple[str, ...]:
        """Every column the rule reads, as written."""
        anchors = [self.since, self.otherwise, self.floor and self.floor.since, self.law and self.law.since]
        named = [reference for anchor in anchors if anchor for reference in anchor.of]
        country = [self.law.country] if self.law and self.law.country else []
        return tuple(dict.fromkeys([*named, *self.when, *self.sooner.values(), *country]))
