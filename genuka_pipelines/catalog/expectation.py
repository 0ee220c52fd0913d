"""An expectation on a table's values, by the name that Great Expectations gives it.

The names stand here as plain text, so that loading the catalogue never imports Great Expectations.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from genuka_pipelines.catalog.value import ClauseId, Value

_COLUMN = """
distinct_values_to_be_in_set distinct_values_to_contain_set distinct_values_to_equal_set max_to_be_between
mean_to_be_between median_to_be_between min_to_be_between most_common_value_to_be_in_set
proportion_of_non_null_values_to_be_between proportion_of_unique_values_to_be_between
quantile_values_to_be_between stdev_to_be_between sum_to_be_between to_exist unique_value_count_to_be_between
value_lengths_to_be_between value_lengths_to_equal values_to_be_between values_to_be_in_set
values_to_be_in_type_list values_to_be_null values_to_be_of_type values_to_be_unique
values_to_match_like_pattern values_to_match_regex values_to_match_regex_list values_to_not_be_in_set
values_to_not_be_null values_to_not_match_like_pattern values_to_not_match_regex values_to_not_match_regex_list
""".split()  # noqa: SIM905 - a list of forty lines reads worse
NAMES = frozenset(
    [f"expect_column_{name}" for name in _COLUMN]
    + [f"expect_column_pair_values_{name}" for name in ("a_to_be_greater_than_b", "to_be_equal", "to_be_in_set")]
    + ["expect_compound_columns_to_be_unique", "expect_select_column_values_to_be_unique_within_record"]
    + [
        "expect_table_column_count_to_equal",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    ]
    + ["expect_table_columns_to_match_set", "expect_table_columns_to_match_ordered_list"]
)
"""The expectations that are pushed down to a database and reveal no value."""


class Expectation(Value):
    """One expectation, written `expect_…: {arguments}`, with its severity and the clause it proves."""

    expect: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["error", "warn"] = "error"
    clause: ClauseId | None = None

    @model_validator(mode="after")
    def _known(self) -> Expectation:
        if self.expect not in NAMES:
            near = difflib.get_close_matches(self.expect, NAMES, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(NAMES))}"
            raise ValueError(f"expectation '{self.expect}' is unknown; {hint}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the arguments name."""
        return tuple(_columns(self.arguments))


def _written(raw: object) -> object:
    """The written form, one `expect_…` key beside the others, as the model's own keys."""
    if not isinstance(raw, dict):
        return raw
    named = [key for key in raw if str(key).startswith("expect_")]
    if len(named) != 1:
        raise ValueError("an expectation is written as one key, expect_…: {its arguments}")
    rest = {key: value for key, value in raw.items() if key != named[0]}
    return {"expect": named[0], "arguments": raw[named[0]] or {}, **rest}


ExpectationField = Annotated[Expectation, BeforeValidator(_written, json_schema_input_type=dict[str, Any])]
"""An expectation as facts write it."""


def _columns(arguments: dict[str, Any]) -> Iterator[str]:
    for name in ("column", "column_A", "column_B"):
        if isinstance(arguments.get(name), str):
            yield arguments[name]
    listed = arguments.get("column_list") or arguments.get("column_set") or ()
    if isinstance(listed, list):
        yield from (column for column in listed if isinstance(column, str))
