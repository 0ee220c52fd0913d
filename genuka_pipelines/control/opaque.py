"""Names, hashes and counts that cannot hold anything about a person, and values made of them.

What goes into the ledger is never rewritten, so a name or an address that got in could never be
erased; a refusal must not repeat the value either, which pydantic's own message would.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    StringConstraints,
    ValidationError,
    model_validator,
)

from genuka_pipelines.control.errors import NotOpaque

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_$]*(?:[/.#:-][A-Za-z0-9_$]+)*", re.ASCII)
_MANY_DIGITS = re.compile(r"[0-9](?:[/.#:_-]?[0-9]){6}", re.ASCII)


def _opaque(text: str) -> str:
    # A telephone, card or account number is what a run of seven digits would be.
    if not _KEY.fullmatch(text) or _MANY_DIGITS.search(text):
        raise ValueError("not an opaque name")
    return text


def _no_long_number(text: str) -> str:
    if _MANY_DIGITS.search(text):
        raise ValueError("not an opaque name")
    return text


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_$]{0,62}$"), AfterValidator(_no_long_number)]
"""A table, column, store or check: letters, digits, `_`, and no long number, which might be somebody's."""
Key = Annotated[str, StringConstraints(max_length=190), AfterValidator(_opaque)]
"""An asset, category or rule: names joined by `/ . # : -`, at most 190 characters, no long number."""
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")]
"""What somebody else's register calls a tenant, a database or a member of staff; never for the ledger."""
Clause = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2,4}-[0-9]{2,3}$")]
Shard = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in lower-case hex."""
Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Known = Count | None
"""A count, or None where it could not be had: unknown is not zero."""


class Opaque(BaseModel):
    """A frozen value of opaque fields: nothing undeclared, and silent about what it refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    noun: ClassVar[str]

    @model_validator(mode="wrap")
    @classmethod
    def _silent(cls, raw: Any, build: ModelWrapValidatorHandler[Opaque]) -> Opaque:
        try:
            return build(raw)
        except ValidationError as refusal:
            named = {str(error["loc"][0]) for error in refusal.errors(include_input=False) if error["loc"]}
        fields = ", ".join(sorted(named & cls.model_fields.keys())) or "an undeclared field"
        raise NotOpaque(
            f"{cls.noun} cannot hold what was given for {fields}: only counts, hashes, dates and opaque names go there"
        )
