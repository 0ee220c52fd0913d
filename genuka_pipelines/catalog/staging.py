"""What a table gives to analyses: named columns only, each copied, coarsened or pseudonymised.

The closed list of ways keeps a direct identifier inside its database: whoever wants another column
must declare it here, where a privacy officer sees it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.state import State, StateColumn
from genuka_pipelines.catalog.value import Identifier, SqlName, Value

Way = Literal[
    "copy",
    "day",
    "month",
    "host",
    "language",
    "setting",
    "minor_units",
    "minutes",
    "months",
    "pseudonym",
    "device_day",
    "present",
]
OF_SEVERAL: tuple[Way, ...] = ("pseudonym", "device_day", "present")
"""The ways that make one value of several columns."""
BETWEEN: tuple[Way, ...] = ("minutes", "months")
"""The ways that measure from one moment to a second one."""
OF_TWO: tuple[Way, ...] = (*BETWEEN, "minor_units")
"""The ways that take two columns, each in its place."""
WHOLE: tuple[Way, ...] = ("minor_units", "minutes", "months")
"""The ways whose value is a whole number on every server: what may be summed."""
FROM_PARENTS: tuple[Way, ...] = ("copy", "day", "month", "minutes", "months")
"""The ways that may read `parent.column`: of the one row of another table that each row belongs to."""


class StagedColumn(Value):
    """One column of the staged table: the way it is made, from which columns.

    copy: as it is · day, month: a timestamp cut to its UTC day or month · host: the host of a URL ·
    language: the language of a tag, without its country (`fr` of `fr-CM`) · setting: the text that a JSON
    document holds under the name `key` · minor_units: an amount and its currency, as a whole number of the
    smallest unit that ISO 4217 gives it · minutes, months: whole ones from the first of two moments to the
    second; months count by the calendar, and nothing runs backwards · pseudonym: a keyed hash that rotates ·
    device_day: a keyed hash whose key dies with the day, so its table also stages a day · present: whether
    there is a value. The last three also take several.
    """

    way: Way
    of: tuple[StateColumn, ...] = Field(min_length=1)
    key: Identifier | None = None

    @model_validator(mode="after")
    def _fits(self) -> StagedColumn:
        if (self.way == "setting") != (self.key is not None):
            raise ValueError("a setting says under which key it stands: {way: setting, of: [preferences], key: theme}")
        if self.way in BETWEEN and len(self.of) != 2:
            raise ValueError(f"{self.way} are counted between two moments: {{{self.way}: [started_at, ended_at]}}")
        if self.way == "minor_units" and len(self.of) != 2:
            raise ValueError(
                "how many minor units an amount has depends on its currency: {minor_units: [amount, currency]}"
            )
        return self


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
        """The source columns that are read, each once; `parent.column` is of another table."""
        named = [name for column in self.columns.values() for name in column.of]
        return tuple(dict.fromkeys([*named, *self.when, *(self.consent.by if self.consent else ())]))
