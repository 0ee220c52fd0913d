"""Calendar periods: a month is a month, not thirty days.

A promise of "one month" is counted as Regulation (EEC) 1182/71, article 3(2)(c), counts it: to the
same day of the month, and where that day does not exist, to the end of the month's last day.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Self

from dateutil.relativedelta import relativedelta
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_ISO = re.compile(r"^P(?!$)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$")
_LONGEST_YEARS = 100


class Period(str):
    """An ISO 8601 duration of whole years, months, weeks and days: `P3Y`, `P1M`, `P7D`, `P0D`."""

    __slots__ = ("days", "months")
    months: int
    days: int

    def __new__(cls, text: str) -> Self:
        """Parse; ValueError says what would be right."""
        match = _ISO.match(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"'{text}' is not a period; write years, months, weeks or days such as P1M or P7D")
        years, months, weeks, days = (int(part or 0) for part in match.groups())
        self = super().__new__(cls, text)
        self.months = 12 * years + months
        self.days = 7 * weeks + days
        if self.months > 12 * _LONGEST_YEARS or self.days > 366 * _LONGEST_YEARS:
            raise ValueError(f"'{text}' is longer than {_LONGEST_YEARS} years")
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept an ISO 8601 string in models and schemas."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(strict=True), serialization=core_schema.to_string_ser_schema()
        )

    def end(self, since: datetime) -> datetime:
        """The first instant at which the period is over; monotone in `since`."""
        moved = since + relativedelta(months=self.months)
        if moved.day != since.day:
            moved = _midnight(moved) + timedelta(days=1)
        return moved + timedelta(days=self.days)

    def cutoff(self, as_of: datetime) -> datetime:
        """The latest anchor whose period is over at `as_of`: `t <= cutoff(n)` exactly if `end(t) <= n`.

        Comparing a column to one constant keeps an index usable and both dialects alike.
        """
        without_days = as_of - timedelta(days=self.days)
        moved = without_days - relativedelta(months=self.months)
        if moved.day != without_days.day:
            return _midnight(moved) + timedelta(days=1) - timedelta(microseconds=1)
        return moved

    @property
    def parts(self) -> tuple[int, int, int]:
        """Years, months and days, months below twelve."""
        return self.months // 12, self.months % 12, self.days


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
