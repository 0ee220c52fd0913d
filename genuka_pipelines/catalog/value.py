"""The two small values that every other fact is made of.

Facts are compared, hashed into versions and shown in two languages: one frozen base class and
one pair of texts keep that the same everywhere.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Language = Literal["fr", "en"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,25}$")]
SqlName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_$]{0,62}$")]
ClauseId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}-\d{2,3}$")]


class Value(BaseModel):
    """A frozen fact: unknown keys are refused, equal content means equal fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the SHA-256 of this value's canonical JSON."""
        canonical = self.model_dump_json(by_alias=True, exclude_defaults=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class Words(Value):
    """One text in the two languages of the house."""

    fr: Text
    en: Text

    def __call__(self, language: Language) -> str:
        """The text in one language."""
        return self.fr if language == "fr" else self.en
