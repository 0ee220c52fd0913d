"""A release as a value: noisy cells with error bars, and a manifest that says how they were made.

Both travel in one Parquet file, so that a release is in the store whole or not at all; a manifest
beside its figures could be lost, or belong to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from genuka_pipelines.analytics.errors import ReleaseDamaged
from genuka_pipelines.analytics.releases.calendar import span
from genuka_pipelines.catalog.published import AnonymisedTable, Spend
from genuka_pipelines.catalog.value import Value

if TYPE_CHECKING:
    import pyarrow as pa

    from genuka_pipelines.stores.store import Store, Stored

STORE = "published_store"
"""The system whose store holds releases and all that is made of them."""
FOLDER = "releases"
MANIFEST_KEY = b"genuka.release"
MEASURE_COLUMNS = ("measure", "value", "ci95_low", "ci95_high", "noise_scale", "status")
"""The columns of cells after the dimensions'."""
Kind = Literal["laplace", "gaussian"]
"""The two kinds of noise, both on integers."""
Status = Literal["released", "below_threshold", "suppressed"]
"""released: value and interval are there. below_threshold: a public key whose noisy count of units is
below the minimum. suppressed: a selected key below it. Value and interval are NULL in both."""


@dataclass(frozen=True, order=True)
class Slot:
    """Which release: a table, its period, and the fingerprint of all that the release is made by (16 hex)."""

    table: str
    period: str
    spec: str

    @property
    def begins(self) -> date:
        """The first day (UTC)."""
        return span(self.period)[0]

    @property
    def ends(self) -> date:
        """The first day after (UTC)."""
        return span(self.period)[1]


class Mechanism(Value):
    """The noise of one measure, or of the selection of keys.

    `scale` is b of a discrete Laplace or σ of a discrete Gaussian. `epsilon` (Laplace) or `rho` (Gaussian)
    is what it costs, `delta` the chance that a threshold lets a lone unit through. `error` is half the
    95 % interval of one noisy number.
    """

    name: Kind
    scale: float
    epsilon: float | None = None
    rho: float | None = None
    delta: float = 0
    threshold: int | None = None
    error: int


class Certificate(Value):
    """What was proven on the bounded rows of this release: bounds only, never what was found.

    groups: most cells of a unit. amounts: by measure, the most that a unit adds to a cell.
    """

    groups: int
    amounts: dict[str, int]
    proven: bool


class Spent(Value):
    """The year's spending of the class of units, this release included, and what it may be (`of`).

    `epsilon` holds at the class's δ. `pld_epsilon` is the tighter figure of privacy loss
    distributions, for information; None where it was not computed.
    """

    year: int
    epsilon: float
    delta: float
    rho: float
    pld_epsilon: float | None = None
    of: Spend


class Manifest(Value):
    """How a release was made; nothing in it depends on data, save what bears noise."""

    table: str
    period: str
    begins: date
    ends: date
    spec: str
    category: str
    source: str
    unit: str
    protects: str
    once: bool
    groups: int
    minimum: int
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    mechanisms: dict[str, Mechanism]
    selection: Mechanism | None = None
    epsilon: float
    delta: float
    spent: Spent
    certificate: Certificate
    engine: str
    versions: dict[str, str]
    made: date

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, said: object) -> object:
        """Releases of before have a field that was always empty."""
        if isinstance(said, dict) and said.get("clipped", 0) is None:
            return {name: value for name, value in said.items() if name != "clipped"}
        return said

    @property
    def slot(self) -> Slot:
        """The slot that this release fills."""
        return Slot(self.table, self.period, self.spec)


@dataclass(frozen=True, eq=False)
class Release:
    """A release: `cells` has a string column for each dimension, then MEASURE_COLUMNS.

    measure and status are strings, the figures doubles. One row for each cell and told figure (see
    `told`): cells in the order of their public keys, or sorted where they were found; in each, the
    order of `manifest.measures`.
    """

    manifest: Manifest
    cells: pa.Table

    @property
    def slot(self) -> Slot:
        """Which release this is."""
        return self.manifest.slot


def told(table: AnonymisedTable) -> tuple[str, ...]:
    """What the column `measure` of a table's cells holds, in order.

    units, rows and sum are told under their own names. A mean tells `<name>`, `<name>_sum` and
    `<name>_units`; quantiles tell `<name>_p50` for the share 0.5, `<name>_p99_9` for 0.999.
    """
    names: list[str] = []
    for name, measure in table.measures.items():
        if measure.kind == "mean":
            names += [name, f"{name}_sum", f"{name}_units"]
        elif measure.kind == "quantiles":
            names += [quantile_name(name, share) for share in measure.at]
        else:
            names.append(name)
    return tuple(names)


def quantile_name(measure: str, share: float) -> str:
    """`wait_p50` for the share 0.5 of the measure `wait`."""
    return f"{measure}_p{f'{share * 100:.6g}'.replace('.', '_')}"


def release_path(slot: Slot) -> str:
    """The one key under which a release is stored."""
    return f"{slot_folder(slot.table)}spec={slot.spec}/period={slot.period}/release.parquet"


def slot_folder(table: str) -> str:
    """The prefix of every release of a table, of all specs."""
    return f"{FOLDER}/{table}/"


def slot_at(path: str) -> Slot | None:
    """The slot of a stored key; None for a key that is no release's."""
    parts: Sequence[str] = path.split("/")
    if len(parts) == 5 and (parts[0], parts[4]) == (FOLDER, "release.parquet"):
        spec, period = parts[2].removeprefix("spec="), parts[3].removeprefix("period=")
        if release_path(Slot(parts[1], period, spec)) == path:
            return Slot(parts[1], period, spec)
    return None


def slots_in(store: Store, prefix: str) -> dict[Slot, Stored]:
    """The releases below a prefix, in the order of their periods; what is no release is none of ours."""
    found = {slot: stored for stored in store.list(prefix) if (slot := slot_at(stored.key))}
    return dict(sorted(found.items(), key=lambda item: (item[0].begins, item[0].spec)))


def to_bytes(release: Release) -> bytes:
    """The Parquet file of a release: the same bytes for the same release."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    metadata = {MANIFEST_KEY: release.manifest.model_dump_json().encode()}
    cells = release.cells.combine_chunks().replace_schema_metadata(metadata)
    out = pa.BufferOutputStream()
    pq.write_table(cells, out, compression="zstd", store_schema=True)
    return bytes(out.getvalue().to_pybytes())


def from_bytes(data: bytes, name: str) -> Release:
    """The release that a store kept under `name`; ReleaseDamaged, naming it, when it is none."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        cells = pq.read_table(pa.BufferReader(data))
        raw = (cells.schema.metadata or {})[MANIFEST_KEY]
        manifest = Manifest.model_validate_json(raw)
    except (pa.ArrowException, KeyError, ValueError, OSError):
        raise ReleaseDamaged(f"{name} is not a release: restore it from a copy, it cannot be made again") from None
    expected = (*manifest.dimensions, *MEASURE_COLUMNS)
    if tuple(cells.schema.names) != expected or (slot_at(name) not in (None, manifest.slot)):
        raise ReleaseDamaged(f"{name} holds another release than its name says: restore it from a copy")
    return Release(manifest, cells.replace_schema_metadata(None))
