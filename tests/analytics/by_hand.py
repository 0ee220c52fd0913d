"""Releases made by hand, and a house that publishes them: real stores and a real control database, no data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pyarrow as pa

from genuka_pipelines.analytics.publishing.declared import declared_tables
from genuka_pipelines.analytics.releases.calendar import span
from genuka_pipelines.analytics.releases.release import (
    Certificate,
    Manifest,
    Mechanism,
    Release,
    Spent,
    release_path,
    to_bytes,
    told,
)
from genuka_pipelines.catalog.expectation import Expectation
from genuka_pipelines.catalog.published import AnonymisedTable, Privacy, Spend, UnitClass
from genuka_pipelines.stores.open import open_store
from genuka_pipelines.stores.store import Store

NOW = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
Cell = tuple[tuple[str, ...], str, float | None, float, str]


def words(text: str) -> dict[str, str]:
    return {"fr": f"{text} (fr)", "en": text}


def visits(**changes: Any) -> AnonymisedTable:
    """Page visits by browser, with public keys, and by host, with selected ones."""
    facts: dict[str, Any] = {
        "title": words("Page visits"),
        "question": words("Who visits?"),
        "category": "shop/browser_data",
        "table": "logs",
        "purpose": "statistics",
        "unit": "device_day",
        "protects": "device_day",
        "period": {"every": "day", "of": "day"},
        "groups": 10,
        "dimensions": {
            "browser": {"title": words("Browser"), "keys": ["Firefox", "Épiphanie 🦊", "other"]},
            "host": {"title": words("Host"), "private": True},
        },
        "measures": {
            "devices": {"title": words("Devices"), "kind": "units"},
            "visits": {"title": words("Visits"), "rows": 5},
        },
        "budget": {"epsilon": 0.5, "delta": 1e-9},
        "settles": 2,
    }
    return AnonymisedTable.model_validate(facts | changes)


UNIT = UnitClass.model_validate({"title": words("a device on a day"), "family": "browser", "year": {"epsilon": 5}})


def release(
    name: str, table: AnonymisedTable, period: str, cells: Sequence[Cell], *, spec: str, **changes: Any
) -> Release:
    """A release of these cells: keys, figure, value, noise scale, status; the interval is two scales each way."""
    begins, ends = span(period)
    mechanism = Mechanism(name="laplace", scale=2, epsilon=0.25, error=6)
    manifest: dict[str, Any] = {
        "table": name, "period": period, "begins": begins, "ends": ends, "spec": spec, "category": table.category,
        "source": table.table, "unit": table.unit, "protects": table.protects, "once": table.once,
        "groups": table.groups, "minimum": table.minimum, "dimensions": tuple(table.dimensions),
        "measures": told(table), "mechanisms": dict.fromkeys(table.measures, mechanism),
        "epsilon": table.budget.epsilon, "delta": table.budget.delta,
        "spent": Spent(year=2026, epsilon=1, delta=0, rho=0.1, of=Spend(epsilon=5)),
        "certificate": Certificate(groups=table.groups, amounts={}, proven=True), "engine": "duckdb",
        "versions": {"opendp": "0.16"}, "made": ends,
    }  # fmt: skip
    made = Manifest.model_validate(manifest | changes)
    columns: dict[str, list[Any]] = {dimension: [] for dimension in made.dimensions}
    figures: dict[str, list[Any]] = {
        one: [] for one in ("measure", "value", "ci95_low", "ci95_high", "noise_scale", "status")
    }
    for keys, measure, value, scale, status in cells:
        for dimension, key in zip(made.dimensions, keys, strict=True):
            columns[dimension].append(key)
        low, high = (None, None) if value is None else (value - 2 * scale, value + 2 * scale)
        for one, given in zip(figures, (measure, value, low, high, scale, status), strict=True):
            figures[one].append(given)
    kinds = {"value": pa.float64(), "ci95_low": pa.float64(), "ci95_high": pa.float64(), "noise_scale": pa.float64()}
    listed = {**columns, **figures}
    return Release(made, pa.table({one: pa.array(them, kinds.get(one, pa.string())) for one, them in listed.items()}))


def day(name: str, table: AnonymisedTable, period: str, devices: float = 40, **changes: Any) -> Release:
    """A day of visits: one cell told, one with too few."""
    figures = [one for one in ("devices", "visits") if one in table.measures]
    cells: list[Cell] = [
        (("Firefox", "exemple.cm"), one, devices * times, scale, "released")
        for one, times, scale in (("devices", 1, 2.0), ("visits", 2, 10.0))
        if one in figures
    ]
    cells += [(("Épiphanie 🦊", "пример.рф"), one, None, 2.0, "below_threshold") for one in figures]
    return release(name, table, period, cells, **changes)


def put(store: Store, *releases: Release) -> None:
    for one in releases:
        store.put(release_path(one.slot), to_bytes(one))


@dataclass
class PublishingHouse:
    """What publication looks at, with what the facts would declare."""

    folder: Path
    published: dict[str, AnonymisedTable]
    control: Any = None
    databases: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "staging").mkdir(parents=True, exist_ok=True)
        self.opened: Store = open_store((self.folder / "published").as_uri(), name="published", create=True)

    @property
    def staging(self) -> Path:
        return self.folder / "staging"

    @property
    def catalog(self) -> Any:
        units = {table.protects: UNIT for table in self.published.values()}
        privacy = Privacy(title=UNIT.title, begins=date(2026, 1, 1), units=units or {"device_day": UNIT})
        return SimpleNamespace(categories={}, published=self.published, privacy=privacy)

    def spec(self, name: str) -> str:
        return declared_tables(self.catalog)[name].spec

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What an analyst reads, from the file as it lies."""
        with duckdb.connect(str(self.folder / "published" / "analytics.duckdb"), read_only=True) as connection:
            return connection.execute(query, list(values)).fetchall()

    @property
    def settings(self) -> Any:
        return self

    def url(self, name: str) -> Any:
        return self.databases[name]

    def store(self, system: str) -> Store:
        assert system == "published_store"
        return self.opened

    def unmet(self, columns: Mapping[str, Sequence[object]], expected: Expectation) -> int | None:
        from genuka_pipelines.quality.expectations import unmet_in_frame

        return unmet_in_frame(columns, expected)


def days(first: date, count: int) -> list[str]:
    return [str(date.fromordinal(first.toordinal() + number)) for number in range(count)]
