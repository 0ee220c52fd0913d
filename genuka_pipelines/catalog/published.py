"""A table for analysts as a declared thing: what is counted of whom, how much of anyone counts, what it may cost.

Nobody writes SQL inside the boundary: all that a release computes follows from this value, so that what
protects people can be read here, and is the same for every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.state import State
from genuka_pipelines.catalog.value import ClauseId, Identifier, SqlName, Value, Words

Every = Literal["day", "week", "month", "quarter"]
NAMED: Mapping[Every, str] = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly"}
"""How the name of a table ends that is released so often."""
ANALYTICS = "analytics/"
"""Before the name of a table: the key of its asset, and of its folder of facts."""
CATALOGUE = "analytics/catalogue"
"""The asset that analysts read: every release in one file."""
AnalyticsCheck = Literal["unlinked", "within_budget", "complete", "readable_by_analysts"]
OF_TABLES: tuple[AnalyticsCheck, ...] = ("unlinked", "within_budget", "complete")
"""The questions put to every table; the other is put to the catalogue."""
TAKEN = ("period", "begins", "ends", "measure", "value", "ci95_low", "ci95_high", "noise_scale", "status",
         "note", "spec")  # fmt: skip
"""Columns of every release, which no dimension or measure may be called."""
MOST_CELLS = 100_000
"""The most cells that public keys may make together."""
_LARGEST = 1 << 40
"""No bound of a sum is larger, so that a billion units stay below 2^63."""


class ReleasePeriod(Value):
    """The periods of a table: days, ISO weeks, months or quarters of a staged date column."""

    every: Every
    of: SqlName


class Dimension(Value):
    """What cells are told apart by: a staged column and its values.

    `keys` lists the values that have a cell whether or not anyone is there, or names a list of the privacy facts;
    without it (`private: true`) only values of many units are published. Other values count as `other` where that
    is a key, else not at all. With `edges` (whole numbers, rising), a number counts in the range it lies in.
    """

    title: Words
    of: SqlName | None = None
    keys: Identifier | tuple[str, ...] | None = None
    private: bool = False
    edges: tuple[int, ...] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Dimension:
        if (self.keys is not None) + self.private + (self.edges is not None) != 1:
            raise ValueError("a dimension has public keys, edges, or private: true; one of them")
        if self.keys is not None and not isinstance(self.keys, str):
            _refuse_keys(self.keys)
        if self.edges is not None and (len(self.edges) < 2 or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges are two or more whole numbers, each larger than the one before")
        return self


class Measure(Value):
    """What a cell tells: one of units, rows, sum, mean or quantiles.

    units: how many units · rows: how many rows, of each unit at most `at_most` in a cell · sum, mean: of a staged
    column of whole numbers, what a unit gives to a cell being clamped to `between` · quantiles: of such a column,
    `at` these shares, to the precision of `edges`. `share` weighs this measure's part of the budget.
    """

    title: Words
    kind: Literal["units", "rows", "sum", "mean", "quantiles"]
    of: SqlName | None = None
    at_most: int | None = Field(default=None, ge=1, le=_LARGEST)
    between: tuple[int, int] | None = None
    at: tuple[float, ...] = ()
    edges: tuple[int, ...] = ()
    share: int = Field(default=1, ge=1, le=100)

    @model_validator(mode="after")
    def _whole(self) -> Measure:
        needed = {"units": set(), "rows": {"at_most"}, "sum": {"of", "between"}, "mean": {"of", "between"},
                  "quantiles": {"of", "at", "edges"}}[self.kind]  # fmt: skip
        given = {name for name in ("of", "at_most", "between", "at", "edges") if getattr(self, name)}
        if given != needed:
            wanted = " and ".join(f"`{name}`" for name in sorted(needed)) or "nothing else"
            raise ValueError(f"a measure {{{self.kind}: …}} takes {wanted}")
        if self.between and not -_LARGEST <= self.between[0] < self.between[1] <= _LARGEST:
            raise ValueError("between gives a lower and an upper bound, whole numbers up to 2^40")
        if any(not 0 < share < 1 for share in self.at):
            raise ValueError("the shares of quantiles lie between 0 and 1")
        if self.edges and (len(self.edges) < 2 or list(self.edges) != sorted(set(self.edges))):
            raise ValueError("edges are two or more whole numbers, each larger than the one before")
        return self


def _refuse_keys(keys: tuple[str, ...]) -> None:
    if not keys:
        raise ValueError("a dimension without a key has no cell; list its keys")
    twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
    if twice is not None:
        raise ValueError(f"the key '{twice}' is listed twice; keep one")
    if "" in keys:
        raise ValueError("a key is a text; what has no value counts as unknown, where that is a key")


def _measure(raw: object) -> object:
    """`{rows: 20}` is `{kind: rows, at_most: 20}`; `{sum: amount}` is `{kind: sum, of: amount}`; `{units: all}`."""
    if isinstance(raw, dict) and "kind" not in raw:
        for kind, name in (("units", None), ("rows", "at_most"), ("sum", "of"), ("mean", "of"), ("quantiles", "of")):
            if kind in raw:
                others = {key: value for key, value in raw.items() if key != kind}
                return {"kind": kind, **({name: raw[kind]} if name else {}), **others}
    return raw


class Spend(Value):
    """What an analysis may cost: ε, and δ (the chance that it does not hold), 0 for none."""

    epsilon: float = Field(gt=0, le=20)
    delta: float = Field(default=0, ge=0, lt=1e-3)


class AnonymisedTable(Value):
    """One table for analysts, made of one staged table, a release for each period.

    `unit` is the staged column whose every value is protected, `protects` its class, with a budget for each year.
    A unit counts in at most `groups` cells of a period; `once` says that it has rows in one period only. `budget`
    is one release's, of all measures together. Cells below `minimum` are not told.
    """

    title: Words
    question: Words
    category: str
    table: SqlName
    purpose: Identifier
    clause: tuple[ClauseId, ...] = ()
    unit: SqlName
    protects: Identifier
    once: bool = False
    when: State = Field(default_factory=dict)
    period: ReleasePeriod
    groups: int = Field(ge=1, le=1000)
    dimensions: dict[SqlName, Dimension] = Field(default_factory=dict)
    measures: dict[SqlName, Annotated[Measure, BeforeValidator(_measure, json_schema_input_type=dict[str, object])]] = (
        Field(min_length=1)
    )
    budget: Spend
    minimum: int = Field(default=11, ge=0)
    settles: int = Field(default=2, ge=0, le=90)
    """Days after a period's end before it is released: what comes later does not count."""
    caveat: Words | None = None

    @property
    def private(self) -> bool:
        """Whether the data themselves decide which cells there are."""
        return any(dimension.private for dimension in self.dimensions.values())

    @property
    def reads(self) -> tuple[str, ...]:
        """The staged columns that a release is made of, each once."""
        named = [dimension.of or name for name, dimension in self.dimensions.items()]
        summed = [measure.of for measure in self.measures.values() if measure.of]
        return tuple(dict.fromkeys([self.unit, self.period.of, *named, *summed, *self.when]))

    @model_validator(mode="after")
    def _told_apart(self) -> AnonymisedTable:
        told = [wide for name in self.measures for wide in (name, f"{name}_low", f"{name}_high")]
        for name in (*self.dimensions, *self.measures):
            if name in TAKEN or [*self.dimensions, *told].count(name) > 1:
                raise ValueError(f"'{name}' is the name of another column of the table; call this one otherwise")
        if "units" in self.measures and self.measures["units"].kind != "units":
            raise ValueError("'units' is how many units a cell has; call this measure otherwise")
        if self.private and not self.budget.delta:
            raise ValueError(
                "a private dimension is told by a threshold, which may err: give the budget a delta, or list keys"
            )
        return self


class UnitClass(Value):
    """Whom a budget protects: what one such unit may cost in a calendar year, all tables together.

    `keyed` is how many days a unit can be told at all: the key of a device's day is destroyed then, so what
    it counts in has settled before.
    """

    title: Words
    family: Literal["identity", "browser"] = "identity"
    year: Spend
    keyed: int | None = Field(default=None, ge=1)


class Privacy(Value):
    """The privacy facts of all tables: classes of units with their budgets, and public lists of keys.

    `begins` is the first day that is released of anything. `clauses` says what each proof keeps.
    """

    title: Words
    begins: date
    units: dict[Identifier, UnitClass] = Field(min_length=1)
    keys: dict[Identifier, tuple[str, ...]] = Field(default_factory=dict)
    clauses: dict[AnalyticsCheck, tuple[ClauseId, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keys_told_apart(self) -> Privacy:
        for keys in self.keys.values():
            _refuse_keys(keys)
        return self

    def clauses_of(self, check: AnalyticsCheck, table: AnonymisedTable | None) -> tuple[ClauseId, ...]:
        """What an answer proves: the question's clauses, and the table's own; None for the catalogue."""
        return tuple(dict.fromkeys([*self.clauses.get(check, ()), *(table.clause if table else ())]))

    def keys_of(self, dimension: Dimension) -> tuple[str, ...]:
        """The public keys of a dimension; none for one with edges, or private."""
        return self.keys[dimension.keys] if isinstance(dimension.keys, str) else dimension.keys or ()
