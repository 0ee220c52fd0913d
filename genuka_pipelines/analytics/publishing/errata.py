"""Corrections: what is known to be wrong in releases that can neither be changed nor made again.

A release is drawn once, so a fault in its source is told beside the figures, wherever they are shown;
in a message to those who asked at the time it would be lost to everyone after them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime

from pydantic import Field, ValidationError

from genuka_pipelines.analytics.publishing.errors import CannotPublish, CatalogueUnreadable
from genuka_pipelines.analytics.releases.calendar import every_of, span
from genuka_pipelines.catalog.published import AnonymisedTable
from genuka_pipelines.catalog.value import Identifier, Language, Value, Words
from genuka_pipelines.stores.errors import AlreadyThere
from genuka_pipelines.stores.store import Store

FOLDER = "errata/"


class Erratum(Value):
    """What is wrong with a table from one period to another, both included; `withdrawn`: not to be shown at all."""

    table: Identifier
    first: str
    last: str
    says: Words
    withdrawn: bool = False
    recorded: date
    key: str = Field(default="", exclude=True)

    def covers(self, period: str) -> bool:
        """Whether a period is among those that are corrected."""
        return span(self.first)[0] <= span(period)[0] and span(period)[1] <= span(self.last)[1]


def record(store: Store, table: AnonymisedTable, erratum: Erratum) -> str:
    """Keep a correction for good and return its key; the same again changes nothing. CannotPublish."""
    for period in (erratum.first, erratum.last):
        if every_of(period) != table.period.every:
            raise CannotPublish(f"{erratum.table} has a release each {table.period.every}; {period} is none of them")
    if span(erratum.first) > span(erratum.last):
        raise CannotPublish(f"a correction goes from {erratum.last} to {erratum.first}, not the other way round")
    data = erratum.model_dump_json().encode()
    key = f"{FOLDER}{erratum.table}/{hashlib.sha256(data).hexdigest()[:16]}.json"
    try:
        store.put(key, data)
    except AlreadyThere:
        return key
    return key


def errata_in(store: Store) -> tuple[Erratum, ...]:
    """Every correction, the oldest first; CatalogueUnreadable names one that cannot be read."""
    found = []
    for stored in store.list(FOLDER):
        try:
            found.append(Erratum.model_validate_json(store.get(stored.key)).model_copy(update={"key": stored.key}))
        except ValidationError:
            raise CatalogueUnreadable(f"{stored.key} is not a correction: restore it from a copy") from None
    return tuple(sorted(found, key=lambda one: (one.recorded, one.key)))


def note(errata: Sequence[Erratum], table: str, period: str, language: Language | None = None) -> str | None:
    """What is to be known of a table's period, in one language or both; None where nothing is."""
    texts = [one.says for one in errata if one.table == table and one.covers(period)]
    if not texts:
        return None
    return " ".join(words(language) if language else f"{words.en} · {words.fr}" for words in texts)


def withdrawn(errata: Sequence[Erratum], table: str, period: str) -> bool:
    """Whether a table's period is not to be shown."""
    return any(one.withdrawn and one.table == table and one.covers(period) for one in errata)


def erratum(table: str, first: str, last: str, *, fr: str, en: str, withdrawn: bool, now: datetime) -> Erratum:
    """A correction as somebody types it; CannotPublish where a text is empty."""
    try:
        says = Words(fr=fr, en=en)
    except ValidationError:
        raise CannotPublish("a correction says what is wrong in both languages; give --fr and --en") from None
    return Erratum(
        table=table, first=first, last=last, says=says, withdrawn=withdrawn, recorded=now.astimezone(UTC).date()
    )
