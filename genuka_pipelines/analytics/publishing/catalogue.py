"""Builds the DuckDB file that analysts open: whole, aside, and from nothing but releases.

It holds tables and no views, so that it can be copied, attached and read without what it was made of;
and it is written in DuckDB's oldest format, so that nobody needs our version to open it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genuka_pipelines.analytics.publishing.columns import (
    ERRATA,
    TABLES,
    Column,
    cells_columns,
    earlier_columns,
    wide_columns,
)
from genuka_pipelines.analytics.publishing.completeness import missing
from genuka_pipelines.analytics.publishing.declared import Declared
from genuka_pipelines.analytics.publishing.duck import create, fill, literal, quoted
from genuka_pipelines.analytics.publishing.entry import Entry
from genuka_pipelines.analytics.publishing.errata import Erratum, note, withdrawn
from genuka_pipelines.analytics.publishing.figures import figures, quantile_groups
from genuka_pipelines.analytics.publishing.shelf import Shape, read_releases, shape_of, shown
from genuka_pipelines.analytics.publishing.texts import EARLIER
from genuka_pipelines.analytics.publishing.wide import consistent
from genuka_pipelines.analytics.releases.release import MEASURE_COLUMNS, Manifest, Release, slot_folder, slots_in, told
from genuka_pipelines.catalog.published import AnonymisedTable
from genuka_pipelines.catalog.value import Words
from genuka_pipelines.stores.store import Store

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FILE = "analytics.duckdb"
_FORMAT = "v1.0.0"
_BATCH = 100_000
_PERIOD = ("period", "begins", "ends")


def build(
    folder: Path, store: Store, declared: Mapping[str, Declared], errata: Sequence[Erratum], now: datetime
) -> tuple[Entry, ...]:
    """Make `folder/analytics.duckdb` of the releases of a store; what it says of each table.

    Raises the store's errors and ReleaseDamaged; the file is then worth nothing.
    """
    import duckdb

    with duckdb.connect(str(folder / "work.duckdb")) as connection:
        connection.execute(f"SET temp_directory = {literal(str(folder / 'spilled'))}")
        connection.execute(f"ATTACH {literal(str(folder / FILE))} AS made (STORAGE_VERSION '{_FORMAT}')")
        entries = tuple(_Table(connection, store, name, one, errata, now).made() for name, one in declared.items())
        connection.execute("BEGIN")
        said = Words(fr="Les tables de ce catalogue", en="The tables of this catalogue")
        create(connection, "tables", TABLES, said)
        fill(connection, "tables", TABLES, [entry.row(now) for entry in entries])
        create(connection, "errata", ERRATA, Words(fr="Les corrections", en="Corrections"))
        fill(connection, "errata", ERRATA, [_erratum_row(one) for one in errata])
        connection.execute("COMMIT")
        connection.execute("DETACH made")
    return entries


@dataclass(frozen=True)
class _Table:
    """One table in the making."""

    connection: duckdb.DuckDBPyConnection
    store: Store
    name: str
    declared: Declared
    errata: Sequence[Erratum]
    now: datetime

    def made(self) -> Entry:
        """Fill its tables; a table without a release is there, and empty."""
        table, spec = self.declared.table, self.declared.spec
        manifests = self._gather()
        self.connection.execute("BEGIN")
        present = Shape(tuple(table.dimensions), told(table))
        by_shape = {present: [], **shown(manifests, spec)}
        released = {manifest.period for manifest in by_shape[present]}
        listed = {
            shape: [one for one in found if not withdrawn(self.errata, self.name, one.period)]
            for shape, found in by_shape.items()
        }
        told_now = listed.pop(present)
        self._cells(f"{self.name}_cells", cells_columns(table), present, told_now, table.title)
        self._wide()
        earlier = []
        for shape, found in listed.items():
            if found:
                earlier.append(f"{self.name}_{found[-1].spec}_cells")
                said = Words(fr=f"{table.title.fr} ({EARLIER['fr']})", en=f"{table.title.en} ({EARLIER['en']})")
                self._cells(earlier[-1], earlier_columns(shape.dimensions), shape, found, said)
        self.connection.execute("COMMIT")
        return Entry(
            name=self.name,
            table=table,
            unit=self.declared.unit,
            spec=spec,
            manifests=tuple(told_now),
            missing=self._missing(released),
            errata=tuple(one for one in self.errata if one.table == self.name),
            earlier=tuple(earlier),
        )

    def _missing(self, released: set[str]) -> tuple[str, ...]:
        found = missing(self.declared.table, released, self.now) if released else ()
        return tuple(period for period in found if not withdrawn(self.errata, self.name, period))

    def _gather(self) -> list[Manifest]:
        """Bring every release, of all definitions, into work tables: one for each shape."""
        import pyarrow as pa

        manifests: list[Manifest] = []
        there: set[Shape] = set()
        slots = slots_in(self.store, slot_folder(self.name))
        for releases in read_releases(self.store, slots):
            manifests += [release.manifest for release in releases]
            for shape in dict.fromkeys(shape_of(release.manifest) for release in releases):
                cells = [_dated(release) for release in releases if shape_of(release.manifest) == shape]
                self.connection.register("arrived", pa.concat_tables(cells))
                into = self._work(shape)
                how = f"INSERT INTO {into}" if shape in there else f"CREATE OR REPLACE TABLE {into} AS"
                self.connection.execute(f"{how} FROM arrived")
                self.connection.unregister("arrived")
                there.add(shape)
        return manifests

    def _work(self, shape: Shape) -> str:
        return quoted(f"{self.name}/{hashlib.sha256(repr(shape).encode()).hexdigest()}")

    def _cells(
        self, name: str, columns: Sequence[Column], shape: Shape, manifests: Sequence[Manifest], title: Words
    ) -> None:
        """The long form: figures as they were drawn."""
        import pyarrow as pa

        said = Words(fr=f"{title.fr} : une ligne par mesure, sans biais", en=f"{title.en}: a row a figure, unbiased")
        create(self.connection, name, columns, said)
        if not manifests:
            return
        notes = [self._note(manifest) for manifest in manifests]
        self.connection.register(
            "shown",
            pa.table(
                {
                    "period": pa.array([one.period for one in manifests], pa.string()),
                    "spec": pa.array([one.spec for one in manifests], pa.string()),
                    "note": pa.array(notes, pa.string()),
                }
            ),
        )
        names = ", ".join(quoted(column.name) for column in columns)
        order = ", ".join(["begins", *map(quoted, shape.dimensions)])
        self.connection.execute(
            f"INSERT INTO made.{quoted(name)} SELECT {names} FROM {self._work(shape)} JOIN shown USING (period, spec)"  # noqa: S608
            f" ORDER BY {order}, list_position(?, measure)",
            [list(shape.measures)],
        )
        self.connection.unregister("shown")

    def _note(self, manifest: Manifest) -> str | None:
        older = f"{EARLIER['en']} · {EARLIER['fr']}" if manifest.spec != self.declared.spec else None
        return "; ".join(filter(None, (note(self.errata, self.name, manifest.period), older))) or None

    def _wide(self) -> None:
        """The wide form, made of the long one."""
        columns = wide_columns(self.declared.table)
        create(self.connection, self.name, columns, self.declared.table.title)
        for batch in self._pivoted():
            self.connection.register("arrived", self._consistent(batch))
            names = ", ".join(quoted(column.name) for column in columns)
            self.connection.execute(f"INSERT INTO made.{quoted(self.name)} SELECT {names} FROM arrived")  # noqa: S608
            self.connection.unregister("arrived")

    def _pivoted(self) -> Iterator[pa.Table]:
        keys = ", ".join([*_PERIOD, *map(quoted, self.declared.table.dimensions)])
        told_figures = ", ".join(
            f"any_value({column}) FILTER (measure = {literal(name)}) AS {quoted(name + suffix)}"
            for name in figures(self.declared.table)
            for column, suffix in (("value", ""), ("ci95_low", "_low"), ("ci95_high", "_high"))
        )
        status = (
            "CASE WHEN bool_and(status = 'released') THEN 'released'"
            " ELSE max(status) FILTER (status <> 'released') END AS status"
        )
        found = self.connection.sql(
            f"SELECT {keys}, {told_figures}, {status}, any_value(note) AS note, bool_and(spec = ?) AS bounded"  # noqa: S608
            f" FROM made.{quoted(self.name + '_cells')} GROUP BY {keys} ORDER BY {_order(self.declared.table)}",
            params=[self.declared.spec],
        ).to_arrow_table()
        for start in range(0, found.num_rows, _BATCH):
            yield found.slice(start, _BATCH)

    def _consistent(self, batch: pa.Table) -> pa.Table:
        import numpy as np
        import pyarrow as pa

        known = figures(self.declared.table)
        names = [name + suffix for name in known for suffix in ("", "_low", "_high")]
        bounded = batch["bounded"].to_numpy().astype(bool)
        made = consistent(
            {name: batch[name].to_numpy() for name in names}, known, quantile_groups(self.declared.table), bounded
        )
        for name, values in made.items():
            batch = batch.set_column(batch.schema.get_field_index(name), name, pa.array(values, mask=np.isnan(values)))
        return batch


def _order(table: AnonymisedTable) -> str:
    return ", ".join(["begins", *map(quoted, table.dimensions)])


def _dated(release: Release) -> pa.Table:
    """The cells of a release with its period and definition, text as plain text."""
    import pyarrow as pa

    manifest = release.manifest
    ours = {"period": manifest.period, "begins": manifest.begins, "ends": manifest.ends, "spec": manifest.spec}
    kinds = {"period": pa.string(), "begins": pa.date32(), "ends": pa.date32(), "spec": pa.string()}
    rows = release.cells.num_rows
    doubles = ("value", "ci95_low", "ci95_high", "noise_scale")
    columns = {name: pa.array([value] * rows, kinds[name]) for name, value in ours.items()}
    for name in (*manifest.dimensions, *MEASURE_COLUMNS):
        columns[name] = release.cells[name].cast(pa.float64() if name in doubles else pa.string())
    return pa.table(columns)


def _erratum_row(one: Erratum) -> tuple[object, ...]:
    return one.table, one.first, one.last, one.says.fr, one.says.en, one.withdrawn, one.recorded
