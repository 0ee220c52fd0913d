"""Links from the vocabulary, the providers, the questions and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genuka_pipelines.catalog.links.naming import Broken, unknown
from genuka_pipelines.catalog.vocabulary import fideslang_uses

if TYPE_CHECKING:
    from genuka_pipelines.catalog.catalogue import Catalog


def broken_others(catalog: Catalog) -> Iterator[Broken]:
    """Every broken link of the facts that are no category."""
    yield from _vocabulary(catalog)
    yield from _processors(catalog)
    yield from _questions(catalog)
    yield from _ledgers(catalog)
    yield from _backups(catalog)
    yield from _requests(catalog)


def _vocabulary(catalog: Catalog) -> Iterator[Broken]:
    key = _key_of(catalog, "Vocabulary")
    for name, purpose in catalog.vocabulary.purposes.items():
        if problem := unknown(purpose.data_use, "data use", fideslang_uses()):
            yield key, ("attributes", "purposes", name, "data_use"), problem


def _key_of(catalog: Catalog, kind: str) -> str:
    return next((key for key, file in catalog.files.items() if str(file.content.get("type")).endswith("." + kind)), "")


def _processors(catalog: Catalog) -> Iterator[Broken]:
    names: dict[str, str] = {}
    for key, provider in catalog.processors.items():
        file = next((found for found in catalog.files if found.rsplit("/", 1)[-1] == key), "")
        for index, purpose in enumerate(provider.purposes):
            if problem := unknown(purpose, "purpose", catalog.vocabulary.purposes):
                yield file, ("attributes", "purposes", index), problem
        for index, word in enumerate(provider.receives):
            if problem := unknown(word, "classification", catalog.classifications):
                yield file, ("attributes", "receives", index), problem
        for name, system in provider.systems.items():
            if name in names:
                yield (
                    file,
                    ("attributes", "systems", name),
                    f"system '{name}' is already declared by {names[name]}",
                )
            names[name] = key
            if system.by_hand is not None and (problem := unknown(system.by_hand, "procedure", catalog.procedures)):
                yield file, ("attributes", "systems", name, "by_hand"), problem
            for other in system.apart_from:
                if problem := unknown(other, "system", catalog.systems):
                    yield file, ("attributes", "systems", name, "apart_from"), problem
        for table, trace in (provider.told.traces if provider.told else {}).items():
            columns = [set(one.columns) for _, named, one in catalog.tables() if named == table]
            for column in (trace.column, trace.reference):
                known = set[str]().union(*columns)
                problem = unknown(table, "table", _tables(catalog)) or (column and unknown(column, "column", known))
                if problem:
                    yield file, ("attributes", "told", "traces", table), problem


def _tables(catalog: Catalog) -> set[str]:
    return {name for _, name, _ in catalog.tables()}


def _questions(catalog: Catalog) -> Iterator[Broken]:
    for name, question in catalog.questions.items():
        file = next((found for found in catalog.files if found.rsplit("/", 1)[-1] == name), "")
        products = {key.split("/")[0] for key in catalog.categories}
        scoped: Iterable[tuple[str, str, Collection[str]]] = [
            *((word, "product", products) for word in question.of.products),
            *((word, "category", catalog.categories) for word in question.of.categories),
        ]
        for word, what, valid in scoped:
            if problem := unknown(word, what, valid):
                yield file, ("attributes", "of"), problem


def _ledgers(catalog: Catalog) -> Iterator[Broken]:
    for key, ledger in catalog.ledgers.items():
        for index, system in enumerate(ledger.anchored_in):
            if problem := unknown(system, "system", catalog.systems):
                yield key, ("attributes", "anchored_in", index), problem


def _backups(catalog: Catalog) -> Iterator[Broken]:
    kinds = {"databases": "database", "media": "store", "scratch": "database", "regions": "store"}
    for key, plan in catalog.backups.items():
        parts: list[tuple[str, Iterable[tuple[str | int, str]]]] = [
            ("databases", enumerate(plan.databases)),
            ("media", enumerate(plan.media)),
            ("scratch", [("", plan.scratch)]),
            ("regions", plan.regions.items()),
        ]
        for part, named in parts:
            known = [name for name, system in catalog.systems.items() if system.kind == kinds[part]]
            for place, system in named:
                if problem := unknown(system, kinds[part], known):
                    yield key, ("attributes", part, place), problem
        yield from _clauses(catalog, key, plan.clauses)


def _clauses(catalog: Catalog, key: str, clauses_of: Mapping[Any, Sequence[str]]) -> Iterator[Broken]:
    for check, clauses in clauses_of.items():
        for index, clause in enumerate(clauses):
            if problem := unknown(clause, "clause", catalog.clauses):
                yield key, ("attributes", "clauses", check, index), problem


def _requests(catalog: Catalog) -> Iterator[Broken]:
    columns = {name: tuple(table.columns) for _, name, table in catalog.tables()}
    for key, plan in catalog.requests.items():
        for part in ("objection", "not_kept", "ended"):
            marks: Mapping[str, str] = getattr(plan, part)
            for table, column in marks.items():
                problem = unknown(table, "table", columns) or unknown(column, "column", columns[table])
                if problem:
                    yield key, ("attributes", part, table), problem
        yield from _clauses(catalog, key, plan.clauses)
    for key, archives in catalog.exports.items():
        yield from _clauses(catalog, key, archives.clauses)
