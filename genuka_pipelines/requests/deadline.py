"""By which day a request is answered: one calendar month after it arrived, whatever day that is.

GDPR article 12(3), counted as Regulation (EEC) 1182/71, article 3(2)(c), counts a month. A last day that is a
holiday would be moved on by article 3(4); here it is not, as nobody is harmed by an answer that is early.
"""

from __future__ import annotations

from datetime import date, datetime

from dateutil.relativedelta import relativedelta

from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.requests.errors import UnclearRequest

LONGEST_AGO = 366


def due_on(arrived: date, *periods: Period) -> date:
    """The last day of periods of months that follow each other: the same day of a later month, or that month's last."""
    return arrived + relativedelta(months=sum(one.months for one in periods), days=sum(one.days for one in periods))


def arrival(given: date | None, now: datetime) -> date:
    """The day of arrival; today where none is given. UnclearRequest for a day to come, or too long ago."""
    today = night_of(now)
    if given is None:
        return today
    if given > today:
        raise UnclearRequest(f"a request cannot have arrived on {given}, which is still to come; give the day it came")
    if (today - given).days > LONGEST_AGO:
        raise UnclearRequest(f"{given} is more than a year ago; give the day on which the request came")
    return given
