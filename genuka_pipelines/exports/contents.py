"""What lies under each name of an archive: the one place that knows its layout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from genuka_pipelines.exports.describing import compliance
from genuka_pipelines.exports.describing.datapackage import data_package
from genuka_pipelines.exports.describing.texts import README
from genuka_pipelines.exports.forms import csv
from genuka_pipelines.exports.forms.packed import gzipped
from genuka_pipelines.exports.media import MEDIA

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog
    from genuka_pipelines.exports.bag import Content
    from genuka_pipelines.exports.choosing import Choice
    from genuka_pipelines.exports.closure import Reference
    from genuka_pipelines.exports.media import MediaRead
    from genuka_pipelines.exports.restoring import Restorable
    from genuka_pipelines.exports.tables import TableRead
    from genuka_pipelines.systems.dump import Definition


@dataclass(frozen=True, eq=False)
class Read:
    """Everything that was read of a tenant."""

    choice: Choice
    tables: Mapping[str, TableRead]
    media: MediaRead
    references: Sequence[Reference]
    restorable: Restorable
    quality: Sequence[Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(one.rows for one in self.tables.values())


def payload(catalog: Catalog, read: Read, name: str, day: date) -> dict[str, Content]:
    """The content of an archive by its names below `data/`."""
    found: dict[str, Content] = {
        "datapackage.json": _json(data_package(name, read.tables, read.references)),
        **dict(_tables(read)),
        **dict(_restore(read)),
        **dict(_compliance(catalog, read)),
        f"{MEDIA}/index.ndjson": [read.media.index],
        **{f"{MEDIA}/{file.path.name}": [file] for file in read.media.files},
    }
    figures = {"tables": len(read.tables), "rows": read.rows, "media": read.media.objects}
    product = read.restorable.definition.product
    for language, text in README.items():
        found[f"README.{language}.md"] = text.format(day=day.isoformat(), product=product, **figures).encode()
    return found


def _tables(read: Read) -> Iterator[tuple[str, Content]]:
    for name, table in read.tables.items():
        if table.parquet is not None:
            yield f"parquet/{name}.parquet", [table.parquet]
        yield f"csv/{name}.csv.gz", [gzipped(csv.header(table.fields)), *table.files["csv.gz"]]
        yield f"ndjson/{name}.ndjson.gz", table.files["ndjson.gz"] or gzipped(b"")
        yield f"restore/{name}.rows.zst", table.files["rows.zst"]


def _restore(read: Read) -> Iterator[tuple[str, Content]]:
    definition = read.restorable.definition
    expected = {
        name: {"columns": one.columns, "rows": one.rows, "digest": one.digest, "summed": one.summed}
        for name, one in read.tables.items()
    }
    yield "restore/expected.json", _json({"tables": expected, "sequences": dict(read.restorable.sequences)})
    yield "restore/definition.ndjson", "".join(f"{line}\n" for line in definition.lines()).encode()
    yield "restore/schema.sql", _script(definition)


def _script(definition: Definition) -> bytes:
    """The definition as a script for people: keys and foreign keys after the rows."""
    phases = ("types", "functions", "tables", "keys", "indexes", "foreign_keys", "code")
    parts = [f"-- {definition.product} {definition.version}\n"]
    for phase in phases:
        parts.append(f"\n-- {phase}\n" + ("-- (load the rows first)\n" if phase == "keys" else ""))
        parts += [one.sql.rstrip().rstrip(";") + ";\n" for one in definition.statements if one.phase == phase]
    return "".join(parts).encode()


def _compliance(catalog: Catalog, read: Read) -> Iterator[tuple[str, Content]]:
    choice = read.choice
    yield "compliance/exclusions.json", _json(compliance.exclusions(choice, read.restorable.outside))
    yield "compliance/retention.json", _json(compliance.retention(catalog, choice))
    yield "compliance/recipients.json", _json(compliance.recipients(catalog, choice))
    without_type = {name: one.without_type for name, one in read.tables.items() if one.without_type}
    loose = compliance.references(read.references)
    said = {"expectations": list(read.quality), "references_to_nothing": loose, "only_in_row_text": without_type}
    yield "compliance/quality.json", _json(said)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
