"""A privacy policy as data: clauses with stable ids, the tensions between them, the map to its sentences."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from genuka_pipelines.catalog.value import ClauseId, Identifier, Language, Value, Words

ClauseKind = Literal["enforced", "checked", "declared", "procedure"]
Silent = Literal["heading", "introduction", "navigation", "contact"]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class Clause(Value):
    """One promise, in our own words, with the way it is to be kept."""

    id: ClauseId
    kind: tuple[ClauseKind, ...] = Field(min_length=1)
    text: Words
    since: dt.date | None = None


class Tension(Value):
    """Two promises, or a promise and the law, that pull apart; and which one is kept."""

    id: Identifier
    clauses: tuple[ClauseId, ...] = Field(min_length=1)
    text: Words
    decision: Words


class SentenceAt(Value):
    """A sentence of the policy by its place and hash, never its text, and the clauses it carries."""

    at: tuple[int, int]
    sha256: Digest
    clauses: tuple[ClauseId, ...] = ()
    why: Silent | None = None


class Policy(Value):
    """One published policy in one version (the date of its last revision, which is when it took effect)."""

    product: Identifier
    title: Words
    version: str = Field(pattern=r"^(\d{4}-\d{2}-\d{2}|undated)$")
    note: Words | None = None
    language: Language = "fr"
    source_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    clauses: tuple[Clause, ...] = Field(min_length=1)
    tensions: tuple[Tension, ...] = ()
    sentences: tuple[SentenceAt, ...] = ()

    @model_validator(mode="after")
    def _clauses_once(self) -> Policy:
        ids = [clause.id for clause in self.clauses]
        twice = sorted({clause_id for clause_id in ids if ids.count(clause_id) > 1})
        if twice:
            raise ValueError(f"clause {twice[0]} is declared twice in this policy")
        return self

    @property
    def unmapped(self) -> tuple[SentenceAt, ...]:
        """Sentences that carry no clause and give no reason why."""
        return tuple(s for s in self.sentences if not s.clauses and s.why is None)


class Plan(Value):
    """A capability that is to come: the clauses it will keep."""

    clauses: tuple[ClauseId, ...] = Field(min_length=1)
    until: Words | None = None


class PlannedKeepers(Value):
    """Capabilities not built yet, so that a clause without a keeper is a decision and not an oversight."""

    capabilities: dict[Identifier, Plan]
