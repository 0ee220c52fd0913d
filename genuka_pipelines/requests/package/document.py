"""The form for machines: `data.json`, a stream in UTF-8 that `data.schema.json` describes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from genuka_pipelines.requests.package import texts
from genuka_pipelines.requests.package.values import written

if TYPE_CHECKING:
    from genuka_pipelines.catalog.value import Words
    from genuka_pipelines.requests.package.choosing import Chosen
    from genuka_pipelines.requests.package.described import Package
    from genuka_pipelines.requests.package.facts import Place, Told
    from genuka_pipelines.requests.package.objects import File
    from genuka_pipelines.requests.package.records import Records, Tally

FORMAT = 1
_ACCESS = ("right_correct", "right_withdraw", "right_complain", "right_automated")


def schema() -> bytes:
    """The JSON Schema (2020-12) of the document."""
    return resources("genuka_pipelines.requests.package").joinpath("data.schema.json").read_bytes()


def categories(package: Package, records: Records, tally: Tally) -> Iterator[bytes]:
    """The document from its beginning to the end of its rows."""
    yield _open({
        "format": FORMAT,
        "kind": package.kind,
        "request": package.request,
        "as_of": package.as_of.isoformat(),
        "made_at": package.made_at.isoformat(),
        "controller": package.controller,
        "searched_by": list(package.searched),
    }, "categories")  # fmt: skip
    for number, key in enumerate(package.choice.categories):
        yield (b",\n" if number else b"") + _open(_told(package.told[key]), "tables")
        for at, one in enumerate(package.choice.of(key)):
            yield b",\n" if at else b""
            yield from _table(package, one, records, tally)
        yield b"]}"
    yield b"]"


def ending(package: Package, files: Sequence[File], more: int) -> bytes:
    """The rest of the document: files, and what only others can give."""
    rest = {
        "files": [
            {"table": one.of.table, "system": one.of.system, "name": one.name, "status": one.fate, "path": one.path,
             "bytes": one.size}
            for one in files
        ],
        "files_not_listed": more,
        "tenants": [{"tenant": tenant, "name": name, "rows": rows} for tenant, name, rows in package.tenants],
        "mentions": [
            {"category": spot.category, "table": spot.table, "column": column, "rows": rows}
            for spot, found in package.choice.mentions.items() for column, rows in sorted(found.items())
        ],
        "besides": [
            {"category": one.key, "title": _both(one.title), "description": one.description and _both(one.description),
             "how_long": [_both(said) for said in one.how_long]}
            for one in package.besides
        ],
        "rights": [_both(texts.words(name)) for name in _ACCESS],
    }  # fmt: skip
    return b",\n" + written(rest)[1:] + b"\n"


def _table(package: Package, one: Chosen, records: Records, tally: Tally) -> Iterator[bytes]:
    declared = one.table.table.columns
    yield _open({
        "table": one.spot.table,
        "tenant_database": one.spot.database,
        "columns": {name: declared[name].holds for name in one.given},
        "secret": list(one.secret),
        "how_long": [_both(said) for said in package.how_long[one]],
    }, "rows")  # fmt: skip
    between = b"\n"
    for row in records.read(one, tally):
        yield between + written(row)
        between = b",\n"
    yield b"]," + written({"count": tally.rows[one], "of_another": dict(tally.another.get(one, {}))})[1:]


def _told(said: Told) -> dict[str, Any]:
    return {
        "category": said.key,
        "title": _both(said.title),
        "description": said.description and _both(said.description),
        "purposes": [_both(one) for one in said.purposes],
        "legal_basis": list(said.legal_basis),
        "law": list(said.law),
        "source": said.source,
        "held_in": [_place(one) for one in said.places],
        "copies_in": [_place(one) for one in said.copies],
        "recipients": [
            {"name": one.name, "title": _both(one.title), "role": one.role, "countries": list(one.countries),
             "purposes": [_both(purpose) for purpose in one.purposes]}
            for one in said.recipients
        ],
    }  # fmt: skip


def _place(place: Place) -> dict[str, Any]:
    return {"title": _both(place.title), "country": place.country, "proof": place.proof}


def _both(said: Words) -> dict[str, str]:
    return {"fr": said.fr, "en": said.en}


def _open(content: dict[str, Any], following: str) -> bytes:
    """An object that is not closed yet, and the array that begins in it."""
    return written(content)[:-1] + b"," + written(following) + b":["
