"""What a table gives to analyses: named columns only, each copied, coarsened or pseudonymised.

The closed list of ways keeps a direct identifier inside its database: whoever wants another column
must declare it here, where a privacy officer sees it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import Identifier, SqlName, Value

Way = Literal["copy", "day", "month", "host", "pseudonym", "device_day", "present"]
OF_SEVERAL: tuple[Way, ...] = ("pseudonym", "device_day", "present")
"""The ways that make one value of several columns."""


class StagedColumn(Value):
    """One column of the staged table: the way it is made, from which columns.

    copy: as it is · day, month: a timestamp cut to its UTC day or month · host: the host of a URL ·
    pseudonym: a keyed hash that rotates · device_day: a keyed hash whose key dies with the day, so
    its table also stages a day · present: whether there is a value. The last three also take several.
    """

    way: Way
    of: tuple[SqlName, ...] = Field(min_length=1)


def _staged(raw: object) -> object:
    if isinstance(raw, str):
        return {"way": "copy", "of": [raw]}
    if isinstance(raw, dict) and len(raw) == 1 and "way" not in raw:
        ((way, of),) = raw.items()
        return {"way": way, "of": [of] if isinstance(of, str) else of}
    return raw


class Consent(Value):
    """Only rows whose person agreed: a row of `table` that matches `by` (column here to column there)
    and is in the state `when`.
    """

    table: SqlName
    by: dict[SqlName, SqlName] = Field(min_length=1)
    when: State = Field(min_length=1)


class Staging(Value):
    """The staged form of a table, for one purpose of its category.

    `when` is the state that a row itself must be in; `consent` the recorded choice it must have.
    """

    purpose: Identifier
    columns: dict[
        SqlName,
        Annotated[StagedColumn, BeforeValidator(_staged, json_schema_input_type=str | dict[Way, str | list[str]])],
    ] = Field(min_length=1)
    family: Literal["identity", "browser"] = "identity"
    when: State = Field(default_factory=dict)
    consent: Consent | None = None

    @model_validator(mode="after")
    def _families_stay_apart(self) -> Staging:
        if self.family == "browser" and any(column.way == "pseudonym" for column in self.columns.values()):
            raise ValueError("browser data are counted per device_day; a lasting pseudonym would link their days")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The source columns that are read, each once."""
        named = [name for column in self.columns.values() for name in column.of]
        return tuple(dict.fromkeys([*named, *self.when, *(self.consent.by if self.consent else ())]))
