"""Links between clauses and what names them, both ways: none unknown, none without a keeper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.keepers import keepers
from genuka_pipelines.catalog.links.naming import At, Broken, unknown

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog


def broken_clauses(catalog: Catalog) -> Iterator[Broken]:
    """Every clause that is named and not declared, then every one that nothing keeps."""
    for key, file in catalog.files.items():
        yield from _clauses_in(catalog, key, file.content.get("attributes"))
    yield from _kept(catalog)


def _clauses_in(catalog: Catalog, key: str, raw: object, at: At = ("attributes",)) -> Iterator[Broken]:
    """Every `clause:`, `clauses:` and `also:` of a file, wherever it stands."""
    if isinstance(raw, dict):
        for name, inner in raw.items():
            if name == "clause" and isinstance(inner, str):
                yield from _clause(catalog, key, inner, (*at, name))
            elif (
                name in ("clauses", "also") and isinstance(inner, list) and all(isinstance(item, str) for item in inner)
            ):
                for index, item in enumerate(inner):
                    yield from _clause(catalog, key, item, (*at, name, index))
            else:
                yield from _clauses_in(catalog, key, inner, (*at, name))
    elif isinstance(raw, list):
        for index, item in enumerate(raw):
            yield from _clauses_in(catalog, key, item, (*at, index))


def _clause(catalog: Catalog, key: str, clause: str, at: At) -> Iterator[Broken]:
    if problem := unknown(clause, "clause", catalog.clauses):
        yield key, at, problem


def _kept(catalog: Catalog) -> Iterator[Broken]:
    kept = keepers(catalog)
    for clause in catalog.clauses:
        if not kept[clause]:
            key = next(key for key, file in catalog.files.items() if _declares(file.content, clause))
            yield (
                key,
                ("attributes", "clauses"),
                f"nothing keeps {clause}: name it where it is kept, or plan it",
            )


def _declares(content: dict[str, object], clause: str) -> bool:
    attributes = content.get("attributes")
    clauses = attributes.get("clauses") if isinstance(attributes, dict) else None
    return isinstance(clauses, list) and any(isinstance(c, dict) and c.get("id") == clause for c in clauses)
